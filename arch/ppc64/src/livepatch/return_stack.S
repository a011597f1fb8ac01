// return-stack: a stack of records for each thread, in memory of its own, its bound checked on every push.
//
// Every replacement has a stub of its own: a copy of what is below, with three words written for its C. What executes is
// always a copy, in the stub area; this is the pattern, and its unwind table is that of all copies (return_stub.rs).
//
// Call site
//   A:     bl   B             ; B is local: no nop behind, nobody saved r2
//   B:     b    stub          ; the site, while the live patch is the only one who wants B's calls. Otherwise a common
//                             ; trampoline comes here, when all ops have seen the call
//   stub:  …                  ; below; C is called at its local entry with the TOC pointer that it would compute, or at its global
//                             ; entry with that in r12, if it computes none
//
// Registers
//             | on entry             | at C's entry             | the helper           | on return to A
//   ----------+----------------------+--------------------------+----------------------+--------------------
//   r1        | A's frame            | A's frame                | A's frame            | A's frame
//   r2        | A's TOC [1]          | C's TOC; or A's, r12 = C | C's TOC              | A's TOC [1]
//   r3 - r10  | arguments            | arguments                | C's result           | C's result
//   LR        | A's return address   | the helper in the stub   | any                  | A's return address
//   r0, r11   | free                 | free                     | free                 | free
//   r12       | free                 | free, or C               | free                 | free
//   CTR, CR0  | free                 | free                     | free                 | free
//   r13 - r31 | A's                  | A's                      | A's                  | A's
//   [1] as B found it: B's own where A called through a stub, which put A's at 24(r1) and gets it from there
//
// Stack
//   A's frame: as it was. C may leave by a jump through a stub, which stores C's TOC at 24(r1): `klp_return_stub` puts back
//   what was there; `klp_return_stub_plain` need not, for a C that only ever returns by itself.
//   return_limit ->      +----------------------------+
//                        :  free                      :
//   return_sp    ->      +----------------------------+
//                        | -8:  A's r1                |  for the unwinder, which matches records by order and r1
//                        | -16: A's 24(r1)            |  not written by `klp_return_stub_plain`
//                        | -24: A's TOC               |
//                        | -32: A's return address    |
//                        +----------------------------+
//                        | older records              |
//
// The pointer is advanced before a record is written and taken back after it was read: an interrupt in between that
// calls a patched function itself uses the room above (facts: pitfall 12).
//
// The return address that C gets is in its own stub. So whoever finds it knows that a call of this C has not returned, even
// when C has left by a jump and is on no stack any more.
//
// Source: Tocsin's own. ELFv2 2.2.2.1 (free registers), 2.2.3.1 (24(r1) is the caller's, and live when it called through a stub),
// 2.3.2.1 (local and global entry).
// Cannot: go deeper than its memory; then the thread ends at the stub's trap, and no other.

    .section .text.trampoline, "ax"

    .macro return_stub name:req, keeps_toc_word:req
    .globl \name, \name\()_pushed, \name\()_callee, \name\()_helper
    .type  \name, @function
\name:
    .cfi_startproc
    ld    %r11, {RETURN_SP}(%r13)
    ld    %r0, {RETURN_LIMIT}(%r13)
    tdlge %r11, %r0                     // no room: the exception handler knows this trap, and names the thread and C
    addi  %r0, %r11, {RECORD_SIZE}
    std   %r0, {RETURN_SP}(%r13)
\name\()_pushed:                        // an unwinder leaves the record out from here to the call: LR is A's until then
    mflr  %r0
    std   %r0, {RECORD_RETURN}(%r11)
    std   %r2, {RECORD_TOC}(%r11)
    .if \keeps_toc_word
    ld    %r0, {TOC_SAVE}(%r1)
    std   %r0, {RECORD_TOC_SAVE}(%r11)
    .endif
    std   %r1, {RECORD_STACK_POINTER}(%r11)
\name\()_callee:                        // the three words that are C's
    lis   %r2, 0
    ori   %r2, %r2, 0
    bl    \name                         // the call and C's return are a pair for the processor's link stack
\name\()_helper:
    .cfi_undefined lr                   // A's return address is in the newest record
    ld    %r11, {RETURN_SP}(%r13)
    ldu   %r0, {RECORD_RETURN}-{RECORD_SIZE}(%r11)
    ld    %r2, {RECORD_TOC}-{RECORD_RETURN}(%r11)
    .if \keeps_toc_word
    ld    %r12, {RECORD_TOC_SAVE}-{RECORD_RETURN}(%r11)
    .endif
    std   %r11, {RETURN_SP}(%r13)
    .cfi_register lr, r0                // the record is given back
    .if \keeps_toc_word
    std   %r12, {TOC_SAVE}(%r1)
    .endif
    mtlr  %r0
    .cfi_same_value lr
    blr
    .cfi_endproc
    .size \name, . - \name
    .endm

    return_stub klp_return_stub, 1
    return_stub klp_return_stub_plain, 0
