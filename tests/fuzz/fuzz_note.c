/* Signed notes, verifier keys and checkpoints from anybody. What is taken must be what we would write. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/note.h"

#define FUZZ_SIZE_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void key_check(const char *text)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct note_key key;
    struct error error;

    buffer_init(&again);
    if (note_key_parse(text, &key, &error) != OK)
        return;
    note_key_text(&key, &again);
    /* The id alone may have been written in capitals. */
    INVARIANT(strcasecmp(buffer_text(&again), text) == 0, "a verifier key is read and written differently");
}

static void checkpoint_check(const char *text, size_t size)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct checkpoint checkpoint;
    struct error error;

    buffer_init(&again);
    if (checkpoint_parse(text, size, &checkpoint, &error) != OK)
        return;
    checkpoint_text(&checkpoint, &again);
    INVARIANT(again.size <= size && memcmp(again.data, text, again.size) == 0,
              "a checkpoint is read and written differently");
}

/* Whatever stands in the note, it has no signature by a key that was made a moment ago; signed by it, it
 * has. */
static void note_check(const char *text, size_t size)
{
    static struct note_signer *signer;
    struct error error;
    size_t text_size;

    if (signer == NULL) {
        uint8_t seed[32];
        randombytes_buf(seed, sizeof seed);
        signer = note_signer_new("fuzz", seed);
    }
    INVARIANT(note_open(text, size, note_signer_key(signer), &text_size, &error) == ERROR_BAD_SIGNATURE,
              "a note opens that nobody signed");

    /* As signature lines below a note that is signed: they may be malformed, or say nothing. */
    CLEANUP(buffer_close) struct buffer note = { 0 };
    buffer_init(&note);
    note_sign(signer, "signed\n", &note);
    buffer_append(&note, text, size);
    if (note_open((const char *)note.data, note.size, note_signer_key(signer), &text_size, &error) == OK)
        INVARIANT(text_size == strlen("signed\n"), "another text counts as signed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FUZZ_SIZE_MAX)
        return 0;
    crypto_start();
    AUTO_FREE char *text = text_copy_sized((const char *)data, size);
    key_check(text);
    checkpoint_check(text, size);
    note_check(text, size);
    return 0;
}
