/* Questions on standard input, one a line, for the programs that a second implementation asks: words apart by
 * one blank, bytes as hex, "-" for none. A word that is missing or makes no sense ends the program. */
#ifndef TEST_CRYPTO_QUESTIONS_H
#define TEST_CRYPTO_QUESTIONS_H

#include "base/memory.h"
#include "base/bytes.h"

extern struct arena words; /* the bytes of one question */

_Noreturn void fail(const char *reason);
char *word(char **rest);
bool more(char **rest);
struct bytes bytes_word(char **rest);
void fixed_word(char **rest, void *out, size_t size);
uint64_t number_word(char **rest);
void answer_bytes(const void *data, size_t size);
void answer_hashes(const struct hash *hashes, size_t count);

/* Until the input ends. `question` answers with one line; false: it knows no such question. */
void questions_answer(bool (*question)(const char *what, char **rest));

#endif
