/* What the files of the program proof_reference share; its questions stand in proof_reference.c. */
#ifndef TEST_PROOF_REFERENCE_H
#define TEST_PROOF_REFERENCE_H

#include <stdbool.h>

void refused(void);
void answer_verdict(bool valid);

bool pairing_question(const char *what, char **rest); /* false: it knows no such question */

#endif
