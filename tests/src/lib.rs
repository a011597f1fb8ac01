//! What the end-to-end tests share: how to run the front door and read what it says.
