/* Files of the folder `proving`: see prove_files.h. */
#include "proving/prove_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "proof/snarkjs_binary.h"
#include "proving/claim.h"

#define FILE_SIZE_MAX ((size_t)1 << 30)

/* A name of a file in one folder, and no way out of it. */
bool proving_name_is_plain(const char *name)
{
    return name[0] != '\0' && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name);
}

/* For CLEANUP: what was read may be a witness. */
static void close_wiped(struct buffer *buffer)
{
    if (buffer->data != NULL)
        sodium_memzero(buffer->data, buffer->capacity);
    buffer_close(buffer);
}

static void close_file(int *file)
{
    if (*file >= 0)
        close(*file);
}

/* Memory is taken once, so that growing leaves no copy behind. `secret`: nobody but the owner may read it. */
static enum status read_file(const char *folder, const char *name, bool secret, struct buffer *out,
                             struct error *error)
{
    AUTO_FREE char *path = text_format("%s/%s", folder, name);
    int file CLEANUP(close_file) = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat facts;
    ssize_t got = 0;

    if (file < 0)
        return error_set(error, ERROR_PROVING_FILE, "%s: %s", name, strerror(errno));
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode))
        return error_set(error, ERROR_PROVING_FILE, "%s is no plain file", name);
    if (secret && (facts.st_mode & 0077) != 0)
        return error_set(error, ERROR_PROVING_FILE, "%s has mode %04o, so others may read it; expected 0600",
                         name, (unsigned)(facts.st_mode & 07777));
    if (facts.st_size > (off_t)FILE_SIZE_MAX)
        return error_set(error, ERROR_PROVING_FILE, "%s has %lld bytes; %zu at most", name,
                         (long long)facts.st_size, FILE_SIZE_MAX);
    size_t size = (size_t)facts.st_size;
    buffer_reserve(out, size + 1);
    while (out->size < size && (got = read(file, out->data + out->size, size - out->size)) > 0)
        out->size += (size_t)got;
    if (got < 0 || out->size != size)
        return error_set(error, ERROR_PROVING_FILE, "%s cannot be read to its end", name);
    return OK;
}

/* The verdict's name alone goes on: a message about a witness might tell of it. */
static enum status refuse_file(struct error *error, const char *name, enum groth16_verdict verdict)
{
    return error_set(error, ERROR_PROVING_FILE, "%s: %s", name, groth16_verdict_name(verdict));
}

enum status proving_files_read(const char *folder, const char *circuit, const char *witness_name,
                               struct groth16_proving_key *key, struct groth16_witness *witness,
                               struct error *error)
{
    struct buffer circuit_file CLEANUP(buffer_close) = { 0 }, witness_file CLEANUP(close_wiped) = { 0 };
    enum groth16_verdict verdict;

    buffer_init(&circuit_file);
    buffer_init(&witness_file);
    TRY(read_file(folder, circuit, false, &circuit_file, error));
    TRY(read_file(folder, witness_name, true, &witness_file, error));
    verdict = snarkjs_zkey_read(buffer_bytes(&circuit_file), key, NULL);
    if (verdict != GROTH16_VALID)
        return refuse_file(error, circuit, verdict);
    verdict = snarkjs_wtns_read(buffer_bytes(&witness_file), witness, NULL);
    if (verdict != GROTH16_VALID)
        return refuse_file(error, witness_name, verdict);
    if (key->key.public_count > CLAIM_KEY_INPUTS_MAX)
        return error_set(error, ERROR_LIMIT, "%s has %zu public inputs; %d at most", circuit,
                         key->key.public_count, CLAIM_KEY_INPUTS_MAX);
    return OK;
}
