/* What the files of the program proof_reference share; its questions stand in proof_reference.c. */
#ifndef TEST_PROOF_REFERENCE_H
#define TEST_PROOF_REFERENCE_H

#include <stdbool.h>

void refused(void);
void answer_verdict(bool valid);

/* False: it knows no such question. */
bool pairing_question(const char *what, char **rest);
bool ring_question(const char *what, char **rest);

#endif
