/* What the client's tests share: cmocka's includes, and the groups. */
#ifndef TEST_CLIENT_H
#define TEST_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layerd/layerd.h"

int channel_tests(void);
int scan_tests(void);
int event_tests(void);
int proof_tests(void);
int key_tests(void);
int call_tests(void);
int subscription_tests(void);

#endif
