#ifndef CDCL_LATE_JUMPS_H
#define CDCL_LATE_JUMPS_H

/*
 * The jumps of late.h for x86-64, used by the file that late.cmake makes: a LATE_LIBRARY for each
 * library, then a LATE_JUMP for each of its functions. Arguments stand in registers and on the
 * stack, and a function may take any: all are left as they were found. r11 is nobody's at a call.
 */

/* A function's symbol: through its slot, when that is filled. */
#define LATE_JUMP(library, name, at)                                                               \
	__asm__("	.text\n"                                                                   \
		"	.p2align 4\n"                                                              \
		"	.weak " #name "\n" /* a test may have its own */                           \
		"	.hidden " #name "\n"                                                       \
		"	.type " #name ", @function\n"                                              \
		#name ":\n"                                                                        \
		"	.cfi_startproc\n"                                                          \
		"	endbr64\n"                                                                 \
		"	movq " #library "_slots + 8 * " #at "(%rip), %r11\n"                       \
		"	testq %r11, %r11\n"                                                        \
		"	je 1f\n"                                                                   \
		"	jmp *%r11\n"                                                               \
		"1:	leaq " #name "(%rip), %r11\n"                                              \
		"	jmp " #library "_bind\n"                                                   \
		"	.cfi_endproc\n"                                                            \
		"	.size " #name ", . - " #name "\n")

/* A library's slots, on pages of their own, and what a jump whose slot is empty goes to: it has
 * late_bind fill them and goes back to the jump, which stands in r11. */
#define LATE_LIBRARY(library, count)                                                               \
	__asm__("	.section .bss.late, \"aw\", @nobits\n"                                     \
		"	.balign 4096\n"                                                            \
		"	.globl " #library "_slots\n"                                               \
		"	.hidden " #library "_slots\n"                                              \
		#library "_slots:\n"                                                               \
		"	.zero 8 * " #count "\n"                                                    \
		"	.balign 4096\n"                                                            \
		"	.text\n"                                                                   \
		"	.type " #library "_bind, @function\n"                                      \
		#library "_bind:\n"                                                                \
		"	.cfi_startproc\n"                                                          \
		"	pushq %rbp\n"                                                              \
		"	.cfi_def_cfa_offset 16\n"                                                  \
		"	.cfi_offset %rbp, -16\n"                                                   \
		"	movq %rsp, %rbp\n"                                                         \
		"	.cfi_def_cfa_register %rbp\n"                                              \
		"	pushq %r11\n"                                                              \
		"	pushq %r10\n"                                                              \
		"	pushq %rax\n"                                                              \
		"	pushq %rdi\n"                                                              \
		"	pushq %rsi\n"                                                              \
		"	pushq %rdx\n"                                                              \
		"	pushq %rcx\n"                                                              \
		"	pushq %r8\n"                                                               \
		"	pushq %r9\n"                                                               \
		"	subq $136, %rsp\n" /* with nine pushes: the stack is aligned to 16 */      \
		"	movups %xmm0, (%rsp)\n"                                                    \
		"	movups %xmm1, 16(%rsp)\n"                                                  \
		"	movups %xmm2, 32(%rsp)\n"                                                  \
		"	movups %xmm3, 48(%rsp)\n"                                                  \
		"	movups %xmm4, 64(%rsp)\n"                                                  \
		"	movups %xmm5, 80(%rsp)\n"                                                  \
		"	movups %xmm6, 96(%rsp)\n"                                                  \
		"	movups %xmm7, 112(%rsp)\n"                                                 \
		"	leaq " #library "(%rip), %rdi\n"                                           \
		"	call late_bind\n"                                                          \
		"	movups (%rsp), %xmm0\n"                                                    \
		"	movups 16(%rsp), %xmm1\n"                                                  \
		"	movups 32(%rsp), %xmm2\n"                                                  \
		"	movups 48(%rsp), %xmm3\n"                                                  \
		"	movups 64(%rsp), %xmm4\n"                                                  \
		"	movups 80(%rsp), %xmm5\n"                                                  \
		"	movups 96(%rsp), %xmm6\n"                                                  \
		"	movups 112(%rsp), %xmm7\n"                                                 \
		"	addq $136, %rsp\n"                                                         \
		"	popq %r9\n"                                                                \
		"	popq %r8\n"                                                                \
		"	popq %rcx\n"                                                               \
		"	popq %rdx\n"                                                               \
		"	popq %rsi\n"                                                               \
		"	popq %rdi\n"                                                               \
		"	popq %rax\n"                                                               \
		"	popq %r10\n"                                                               \
		"	popq %r11\n"                                                               \
		"	popq %rbp\n"                                                               \
		"	.cfi_def_cfa %rsp, 8\n"                                                    \
		"	jmp *%r11\n"                                                               \
		"	.cfi_endproc\n"                                                            \
		"	.size " #library "_bind, . - " #library "_bind\n")

#endif
