/* The constant-time check under valgrind: constant_time.c must have nothing reported, and each of its
 * leaks must be. Skipped, loudly, where there is no valgrind (or the program runs under a sanitizer,
 * which valgrind cannot). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define REPORTED 99 /* what memcheck ends with when it has reported something */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* The exit status of constant_time under memcheck. Expected reports are not shown. */
static int check(const char *argument)
{
    const char *where = argument == NULL ? "--log-fd=2" : "--log-file=/dev/null";
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        execlp("valgrind", "valgrind", "-q", "--error-exitcode=99", "--leak-check=no", where,
               "--suppressions=" SOURCE_ROOT "/tests/unit/proof/constant_time.supp", "./constant_time",
               argument, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void valgrind_or_skip(void)
{
    if (SANITIZED) {
        print_message("SKIPPED: valgrind cannot run a build with sanitizers\n");
        skip();
    }
    if (system("valgrind --version >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: there is no valgrind here: nothing is known about constant time\n");
        skip();
    }
}

static void no_branch_or_address_depends_on_a_secret(void **state)
{
    (void)state;

    valgrind_or_skip();
    assert_int_equal(check(NULL), 0);
}

static void the_check_sees_a_sum_for_public_data_given_a_secret(void **state)
{
    (void)state;

    valgrind_or_skip();
    assert_int_equal(check("leak-public-sum"), REPORTED);
}

static void the_check_sees_a_branch_on_a_secret(void **state)
{
    (void)state;

    valgrind_or_skip();
    assert_int_equal(check("leak-branch"), REPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_branch_or_address_depends_on_a_secret),
        cmocka_unit_test(the_check_sees_a_sum_for_public_data_given_a_secret),
        cmocka_unit_test(the_check_sees_a_branch_on_a_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
