	.abiversion 2
	.file	"callee.e24e9b078862ecf2-cgu.0"
	.section	.text._RNvCsjqCSHo7uWEo_6callee4leaf,"ax",@progbits
	.p2align	4
	.type	_RNvCsjqCSHo7uWEo_6callee4leaf,@function
_RNvCsjqCSHo7uWEo_6callee4leaf:
.Lfunc_begin0:
	nop
	xori 3, 3, 85
	blr
	.long	0
	.quad	0
.Lfunc_end0:
	.size	_RNvCsjqCSHo7uWEo_6callee4leaf, .Lfunc_end0-.Lfunc_begin0
	.section	__patchable_function_entries,"awo",@progbits,_RNvCsjqCSHo7uWEo_6callee4leaf
	.p2align	3, 0x0
	.quad	.Lfunc_begin0

	.section	.text._RNvCsjqCSHo7uWEo_6callee7private,"ax",@progbits
	.p2align	4
	.type	_RNvCsjqCSHo7uWEo_6callee7private,@function
_RNvCsjqCSHo7uWEo_6callee7private:
.Lfunc_begin1:
.Lfunc_gep1:
	addis 2, 12, .TOC.-.Lfunc_gep1@ha
	addi 2, 2, .TOC.-.Lfunc_gep1@l
.Lfunc_lep1:
	.localentry	_RNvCsjqCSHo7uWEo_6callee7private, .Lfunc_lep1-.Lfunc_gep1
	nop
	addis 4, 2, _RNvCsjqCSHo7uWEo_6callee3OWN.0@toc@ha
	ld 4, _RNvCsjqCSHo7uWEo_6callee3OWN.0@toc@l(4)
	add 3, 4, 3
	blr
	.long	0
	.quad	0
.Lfunc_end1:
	.size	_RNvCsjqCSHo7uWEo_6callee7private, .Lfunc_end1-.Lfunc_begin1
	.section	__patchable_function_entries,"awo",@progbits,_RNvCsjqCSHo7uWEo_6callee7private
	.p2align	3, 0x0
	.quad	.Lfunc_begin1

	.section	.text.at,"ax",@progbits
	.globl	at
	.p2align	4
	.type	at,@function
at:
.Lfunc_begin2:
.Lfunc_gep2:
	addis 2, 12, .TOC.-.Lfunc_gep2@ha
	addi 2, 2, .TOC.-.Lfunc_gep2@l
.Lfunc_lep2:
	.localentry	at, .Lfunc_lep2-.Lfunc_gep2
	nop
	cmpld	5, 4
	bge- 0, .LBB2_2
	sldi 4, 5, 3
	ldx 3, 3, 4
	blr
.LBB2_2:
	mflr 0
	stdu 1, -32(1)
	addis 3, 2, .L_MergedGlobals@toc@ha
	std 0, 48(1)
	addi 3, 3, .L_MergedGlobals@toc@l
	addi 6, 3, 88
	mr	3, 5
	mr	5, 6
	bl _RNvNtCsiP1NGVgItB5_4core9panicking18panic_bounds_check
	nop
	.long	0
	.quad	0
.Lfunc_end2:
	.size	at, .Lfunc_end2-.Lfunc_begin2
	.section	__patchable_function_entries,"awo",@progbits,at
	.p2align	3, 0x0
	.quad	.Lfunc_begin2

	.section	.text.cleanup_module,"ax",@progbits
	.globl	cleanup_module
	.p2align	4
	.type	cleanup_module,@function
cleanup_module:
.Lfunc_begin3:
.Lfunc_gep3:
	addis 2, 12, .TOC.-.Lfunc_gep3@ha
	addi 2, 2, .TOC.-.Lfunc_gep3@l
.Lfunc_lep3:
	.localentry	cleanup_module, .Lfunc_lep3-.Lfunc_gep3
	nop
	sync
	addis 3, 2, _RNvCsjqCSHo7uWEo_6callee3OWN.0@toc@ha
	li 4, 0
	std 4, _RNvCsjqCSHo7uWEo_6callee3OWN.0@toc@l(3)
	blr
	.long	0
	.quad	0
.Lfunc_end3:
	.size	cleanup_module, .Lfunc_end3-.Lfunc_begin3
	.section	__patchable_function_entries,"awo",@progbits,cleanup_module
	.p2align	3, 0x0
	.quad	.Lfunc_begin3

	.section	.text.exported,"ax",@progbits
	.globl	exported
	.p2align	4
	.type	exported,@function
exported:
.Lfunc_begin4:
.Lfunc_gep4:
	addis 2, 12, .TOC.-.Lfunc_gep4@ha
	addi 2, 2, .TOC.-.Lfunc_gep4@l
.Lfunc_lep4:
	.localentry	exported, .Lfunc_lep4-.Lfunc_gep4
	nop
	mflr 0
	std 30, -16(1)
	stdu 1, -48(1)
	addis 5, 2, .L_MergedGlobals@toc@ha
	rlwinm 4, 3, 3, 28, 28
	std 2, 24(1)
	std 0, 64(1)
	addi 5, 5, .L_MergedGlobals@toc@l
	add 4, 5, 4
	ld 30, 72(4)
	bl _RNvCsjqCSHo7uWEo_6callee4leaf
	bl _RNvCsjqCSHo7uWEo_6callee7private
	mtctr 30
	mr	12, 30
	bctrl
	ld 2, 24(1)
	addi 1, 1, 48
	ld 0, 16(1)
	ld 30, -16(1)
	mtlr 0
	blr
	.long	0
	.quad	0
.Lfunc_end4:
	.size	exported, .Lfunc_end4-.Lfunc_begin4
	.section	__patchable_function_entries,"awo",@progbits,exported
	.p2align	3, 0x0
	.quad	.Lfunc_begin4

	.section	.text.init_module,"ax",@progbits
	.globl	init_module
	.p2align	4
	.type	init_module,@function
init_module:
.Lfunc_begin5:
.Lfunc_gep5:
	addis 2, 12, .TOC.-.Lfunc_gep5@ha
	addi 2, 2, .TOC.-.Lfunc_gep5@l
.Lfunc_lep5:
	.localentry	init_module, .Lfunc_lep5-.Lfunc_gep5
	nop
	mflr 0
	stdu 1, -32(1)
	addis 3, 2, _RNvCsjqCSHo7uWEo_6callee3OWN.0@toc@ha
	li 4, 8
	std 0, 48(1)
	sync
	std 4, _RNvCsjqCSHo7uWEo_6callee3OWN.0@toc@l(3)
	li 3, 3
	bl _RNvCsjqCSHo7uWEo_6callee7private
	bl other
	nop
	addis 4, 2, .LC0@toc@ha
	ld 4, .LC0@toc@l(4)
	ld 4, 0(4)
	add 3, 4, 3
	extsw 3, 3
	addi 1, 1, 32
	ld 0, 16(1)
	mtlr 0
	blr
	.long	0
	.quad	0
.Lfunc_end5:
	.size	init_module, .Lfunc_end5-.Lfunc_begin5
	.section	__patchable_function_entries,"awo",@progbits,init_module
	.p2align	3, 0x0
	.quad	.Lfunc_begin5

	.section	.text.name,"ax",@progbits
	.globl	name
	.p2align	4
	.type	name,@function
name:
.Lfunc_begin6:
.Lfunc_gep6:
	addis 2, 12, .TOC.-.Lfunc_gep6@ha
	addi 2, 2, .TOC.-.Lfunc_gep6@l
.Lfunc_lep6:
	.localentry	name, .Lfunc_lep6-.Lfunc_gep6
	nop
	cmpldi	3, 4
	addis 4, 2, .L_MergedGlobals@toc@ha
	bgt	0, .LBB6_2
	sldi 3, 3, 3
	addi 4, 4, .L_MergedGlobals@toc@l
	add 3, 4, 3
	ld 4, 112(3)
	ld 3, 152(3)
	blr
.LBB6_2:
	addi 3, 4, .L_MergedGlobals@toc@l
	li 4, 1
	blr
	.long	0
	.quad	0
.Lfunc_end6:
	.size	name, .Lfunc_end6-.Lfunc_begin6
	.section	__patchable_function_entries,"awo",@progbits,name
	.p2align	3, 0x0
	.quad	.Lfunc_begin6

	.type	_RNvCsjqCSHo7uWEo_6callee3OWN.0,@object
	.section	.data._RNvCsjqCSHo7uWEo_6callee3OWN.0,"aw",@progbits
	.p2align	3, 0x0
_RNvCsjqCSHo7uWEo_6callee3OWN.0:
	.quad	5
	.size	_RNvCsjqCSHo7uWEo_6callee3OWN.0, 8

	.type	.L_MergedGlobals,@object
	.section	.data.rel.ro..L_MergedGlobals,"aw",@progbits
	.p2align	3, 0x0
.L_MergedGlobals:
	.byte	63
	.ascii	"none"
	.ascii	"mini-frame"
	.asciz	"src/lib.rs"
	.ascii	"caller-frame"
	.ascii	"return-stack"
	.ascii	"livepatch-stack"
	.space	7
	.quad	other
	.quad	exported
	.quad	.L_MergedGlobals+15
	.asciz	"\n\000\000\000\000\000\000\000\023\000\000\0002\000\000"
	.quad	4
	.quad	10
	.quad	12
	.quad	15
	.quad	12
	.quad	.L_MergedGlobals+1
	.quad	.L_MergedGlobals+5
	.quad	.L_MergedGlobals+26
	.quad	.L_MergedGlobals+50
	.quad	.L_MergedGlobals+38
	.size	.L_MergedGlobals, 192

.Lanon.b7a14e7bda7a6985b49211c77de54680.7 = .L_MergedGlobals
	.size	.Lanon.b7a14e7bda7a6985b49211c77de54680.7, 1
.Lanon.b7a14e7bda7a6985b49211c77de54680.2 = .L_MergedGlobals+1
	.size	.Lanon.b7a14e7bda7a6985b49211c77de54680.2, 4
.Lanon.b7a14e7bda7a6985b49211c77de54680.3 = .L_MergedGlobals+5
	.size	.Lanon.b7a14e7bda7a6985b49211c77de54680.3, 10
.Lanon.b7a14e7bda7a6985b49211c77de54680.0 = .L_MergedGlobals+15
	.size	.Lanon.b7a14e7bda7a6985b49211c77de54680.0, 11
.Lanon.b7a14e7bda7a6985b49211c77de54680.4 = .L_MergedGlobals+26
	.size	.Lanon.b7a14e7bda7a6985b49211c77de54680.4, 12
.Lanon.b7a14e7bda7a6985b49211c77de54680.6 = .L_MergedGlobals+38
	.size	.Lanon.b7a14e7bda7a6985b49211c77de54680.6, 12
.Lanon.b7a14e7bda7a6985b49211c77de54680.5 = .L_MergedGlobals+50
	.size	.Lanon.b7a14e7bda7a6985b49211c77de54680.5, 15
_RNvCsjqCSHo7uWEo_6callee4HOOK = .L_MergedGlobals+72
	.size	_RNvCsjqCSHo7uWEo_6callee4HOOK, 16
.Lanon.b7a14e7bda7a6985b49211c77de54680.1 = .L_MergedGlobals+88
	.size	.Lanon.b7a14e7bda7a6985b49211c77de54680.1, 24
.Lswitch.table.name = .L_MergedGlobals+112
	.size	.Lswitch.table.name, 40
.Lswitch.table.name.3 = .L_MergedGlobals+152
	.size	.Lswitch.table.name.3, 40
	.ident	"rustc version 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"
	.section	".note.GNU-stack","",@progbits
	.section	.toc,"aw",@progbits
.LC0:
	.tc limit[TC],limit
