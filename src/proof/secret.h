/* Where secrets end. What a prover publishes was computed from secrets, and from there on branches may depend
 * on it: secret_published says so at that place. It does nothing, except in the constant-time check
 * (tests/unit/proof/test_constant_time.c), whose build tells memcheck with it. */
#ifndef PROOF_SECRET_H
#define PROOF_SECRET_H

#include <stddef.h>

#ifdef CONSTANT_TIME_CHECK
#include <valgrind/memcheck.h>
#endif

static inline void secret_published(const void *data, size_t size)
{
#ifdef CONSTANT_TIME_CHECK
    VALGRIND_MAKE_MEM_DEFINED(data, size);
#else
    (void)data;
    (void)size;
#endif
}

#endif
