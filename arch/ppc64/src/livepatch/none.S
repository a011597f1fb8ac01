// none: no return design at all. C is entered as if A had called it, and returns to A with C's TOC in r2.
//
// It stands here to be seen going wrong, and because it is right where r2 does not matter.
//
// Call site
//   A:  bl   B              ; B is local: no nop behind, nobody saved r2
//   B:  …site…              ; a hook sends the call here, with NIP = C
//
// Registers
//             | on entry             | at C's global entry  | on return to A
//   ----------+----------------------+----------------------+--------------------
//   r1        | A's frame            | A's frame            | A's frame
//   r2        | A's TOC              | A's TOC, C sets its  | C's TOC: WRONG [1]
//   r3 - r10  | arguments            | arguments            | C's result
//   r12       | C's global entry     | C's global entry     | free
//   LR        | A's return address   | A's return address   | A's return address
//   CTR       | free                 | C's global entry     | free
//   r0, r11   | free                 | free                 | free
//   r13 - r31 | A's                  | A's                  | A's
//   [1] unless A has no TOC; and unless A reached B through a stub, and loads r2 from 24(r1) itself after the call
//
// Stack: unchanged.
//
// Source: ELFv2 2.2.1 (a function called through its local entry finds r2 set, and the caller expects it back).
// Cannot: be called locally.

    .section .text.trampoline, "ax"

    .globl klp_enter_none
    .type  klp_enter_none, @function
klp_enter_none:
    .cfi_startproc
    mtctr %r12
    bctr
    .cfi_endproc
    .size klp_enter_none, . - klp_enter_none
