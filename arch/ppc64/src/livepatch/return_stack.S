// return-stack: a stack of records for each thread, in memory of its own, its bound checked on every push.
//
// Call site
//   A:  bl   B              ; B is local: no nop behind, nobody saved r2
//   B:  …site…              ; a hook sends the call to klp_enter_return_stack, with NIP = C
//
// Registers
//             | on entry             | at C's global entry            | the return helper    | on return to A
//   ----------+----------------------+--------------------------------+----------------------+--------------------
//   r1        | A's frame            | A's frame                      | A's frame            | A's frame
//   r2        | A's TOC              | A's TOC, C sets its            | C's TOC              | A's TOC
//   r3 - r10  | arguments            | arguments                      | C's result in r3, r4 | C's result
//   r12       | C's global entry     | C's global entry               | free                 | free
//   LR        | A's return address   | klp_return_helper_return_stack | any                  | A's return address
//   CTR       | free                 | C's global entry               | free                 | free
//   r0, r11   | free                 | free                           | free                 | free
//   r13 - r31 | A's                  | A's                            | A's                  | A's
//
// Stack
//   A's frame: as it was; 24(r1) is put back on return, whatever a stub stored there meanwhile.
//   return_limit ->      +----------------------------+
//                        :  free                      :
//   return_sp    ->      +----------------------------+
//                        | -8:  A's r1                |  for the unwinder, which matches records by order and r1
//                        | -16: A's 24(r1)            |
//                        | -24: A's TOC               |
//                        | -32: A's return address    |
//                        +----------------------------+
//                        | older records              |
//
// The pointer is advanced before a record is written and taken back after it was read: an interrupt in between that
// calls a patched function itself uses the room above (facts: pitfall 12).
//
// Source: Tocsin's own. ELFv2 2.2.2.1 (free registers), 2.2.3.1 (24(r1) is the caller's, and live when it called through a stub).
// Cannot: go deeper than its memory; then the thread ends at klp_return_stack_full, and no other.

    .section .text.trampoline, "ax"

    .globl klp_enter_return_stack
    .type  klp_enter_return_stack, @function
klp_enter_return_stack:
    .cfi_startproc
    ld    %r11, {RETURN_SP}(%r13)
    ld    %r0, {RETURN_LIMIT}(%r13)
    cmpld %r11, %r0
    bge-  klp_return_stack_full
    addi  %r0, %r11, {RECORD_SIZE}
    std   %r0, {RETURN_SP}(%r13)
    .globl klp_return_stack_pushed
klp_return_stack_pushed:                // an unwinder leaves the record out from here to the call: LR is A's until then
    mflr  %r0
    std   %r0, {RECORD_RETURN}(%r11)
    std   %r2, {RECORD_TOC}(%r11)
    ld    %r0, {TOC_SAVE}(%r1)
    std   %r0, {RECORD_TOC_SAVE}(%r11)
    std   %r1, {RECORD_STACK_POINTER}(%r11)
    mtctr %r12
    bctrl                               // the call and C's return are a pair for the processor's link stack

    .globl klp_return_helper_return_stack
klp_return_helper_return_stack:
    .cfi_undefined lr                   // A's return address is in the newest record
    ld    %r11, {RETURN_SP}(%r13)
    ld    %r12, {RECORD_TOC_SAVE}-{RECORD_SIZE}(%r11)
    ld    %r0, {RECORD_RETURN}-{RECORD_SIZE}(%r11)
    ld    %r2, {RECORD_TOC}-{RECORD_SIZE}(%r11)
    addi  %r11, %r11, -{RECORD_SIZE}
    std   %r11, {RETURN_SP}(%r13)
    .cfi_register lr, r0                // the record is given back
    std   %r12, {TOC_SAVE}(%r1)
    mtlr  %r0
    .cfi_same_value lr
    blr

// No room for a record. Registers as on entry, r11 = r0 = the limit. The exception handler knows this address: it names
// the thread and C, and ends the thread.
    .globl klp_return_stack_full
klp_return_stack_full:
    trap
    .cfi_endproc
    .size klp_enter_return_stack, . - klp_enter_return_stack
