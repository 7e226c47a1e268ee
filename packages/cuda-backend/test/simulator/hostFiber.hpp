// A stack to run on beside the thread's own; changing from one to another costs a few nanoseconds.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#if defined(__x86_64__) || defined(__aarch64__)

struct Fiber {
  void *place;
};

extern "C" void peftSwitchStack(void **from, void *to) __asm__("peftSwitchStack");
extern "C" void peftStartStack() __asm__("peftStartStack");

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".globl peftSwitchStack\n"
    "peftSwitchStack:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  ret\n"
    ".globl peftStartStack\n"
    "peftStartStack:\n"
    "  xorl %edi, %edi\n"
    "  callq *%r12\n"
    "  ud2\n");
// Nine words, so that the stack is aligned to 16 bytes where the body is called.
const int placeOfBody = 3, placeOfReturn = 6, frame = 9;
#else
__asm__(
    ".text\n"
    ".globl peftSwitchStack\n"
    "peftSwitchStack:\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp, #0]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
    "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  mov x9, sp\n  str x9, [x0]\n"
    "  mov sp, x1\n"
    "  ldp x19, x20, [sp, #0]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
    "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n"
    "  ret\n"
    ".globl peftStartStack\n"
    "peftStartStack:\n"
    "  mov x0, #0\n"
    "  blr x19\n"
    "  brk #1\n");
const int placeOfBody = 0, placeOfReturn = 11, frame = 20;
#endif

inline void startFiber(Fiber *fiber, void *stack, size_t bytes, void (*body)(void *)) {
  uintptr_t top = ((uintptr_t)stack + bytes) & ~(uintptr_t)63;
  void **place = (void **)top - frame;
  for (int i = 0; i < frame; i++) place[i] = nullptr;
  place[placeOfBody] = (void *)body;
  place[placeOfReturn] = (void *)peftStartStack;
  fiber->place = place;
}

inline void switchFiber(Fiber *from, Fiber *to) { peftSwitchStack(&from->place, to->place); }

#else

struct Fiber {
  ucontext_t context;
};

inline void startFiber(Fiber *fiber, void *stack, size_t bytes, void (*body)(void *)) {
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = stack;
  fiber->context.uc_stack.ss_size = bytes;
  fiber->context.uc_link = nullptr;
  makecontext(&fiber->context, (void (*)())body, 1, nullptr);
}

inline void switchFiber(Fiber *from, Fiber *to) { swapcontext(&from->context, &to->context); }

#endif

/** The instruction that a signal stopped. */
inline void *faultPlace(void *context) {
#if defined(__linux__) && defined(__x86_64__)
  return (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__linux__) && defined(__aarch64__)
  return (void *)((ucontext_t *)context)->uc_mcontext.pc;
#else
  (void)context;
  return nullptr;
#endif
}
