// _mcount and ftrace_stub: what a site calls while nobody hooks it, and what stands where no ops is.
//
// The loader turns every `bl _mcount` of a module into a nop, so _mcount runs only where code was not loaded by it.
//
// Registers of _mcount (call site: `mflr r0 ; [std r0,16(r1) ;] bl _mcount`)
//   on entry : r0 = A's return address, LR = the instruction after the call, r3 - r10 arguments
//   on exit  : LR = r0, everything else but r12 and CTR unchanged: as if the call were a nop
//   free     : r12, CTR
// Stack: none is used.
// Source: GCC's -mprofile-kernel, which promises nothing but r0 and LR.

    .section .text.notrace, "ax"

    .globl _mcount
    .type  _mcount, @function
_mcount:
    .cfi_startproc
    .cfi_register lr, r0
    mflr  %r12
    mtctr %r12
    mtlr  %r0
    .cfi_restore lr
    bctr
    .cfi_endproc
    .size _mcount, . - _mcount

// The ops that does nothing.
//   on entry : as any ops: r3 = site, r4 = parent, r5 = ops, r6 = FtraceRegs
//   on exit  : nothing changed
    .globl ftrace_stub
    .type  ftrace_stub, @function
ftrace_stub:
    .cfi_startproc
    blr
    .cfi_endproc
    .size ftrace_stub, . - ftrace_stub
