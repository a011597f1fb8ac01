# One of each relocation type that the loader knows and compilers seldom write.
	.globl far
f:	lis 3,f@h
	ori 3,3,f@l
	lis 3,v@ha
	addi 3,3,v@l
	lis 3,v@highest
	ori 3,3,v@higher
	ld 4,v@l(3)
	lwz 4,v@l(3)
	addis 4,2,v@toc@ha
	addi 4,4,v@toc@l
	lis 5,v@toc@h
	ld 4,v@toc@l(4)
	ld 4,v@toc(2)
	std 4,v@toc(2)
	addi 4,2,v@toc
0:	li 3,f-0b
	addis 3,3,v-0b@ha
	addi 3,3,v-0b@l
	lis 3,v-0b@h
	beq f
	bne+ g
	beq- g
	bdnz g
	b g
	bl g
	nop
g:	blr
	pld 3,v@pcrel
	pla 3,f@pcrel
	bl h@notoc
h:	blr
	.data
	.balign 8
v:	.quad f
	.quad far_value
	.long f
	.long f - .
	.quad v - .
	.quad .TOC.@tocbase
	.short 0
	.long f+4
	.short 0
	.quad v+8
	.set far_value, 0x123456789abcdef0
