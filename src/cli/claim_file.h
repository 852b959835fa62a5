/* A claim, and a proof for it, as JSON: what the command proof.verify takes, and the chain. Read for `proof
 * verify` and `proof prove`. */
#ifndef CLI_CLAIM_FILE_H
#define CLI_CLAIM_FILE_H

#include "base/json.h"
#include "proving/claim.h"

#define CLAIM_FILE_PARTS 7

/* Owns its bytes. */
struct claim_file {
    json_t *json;
    uint8_t *owned[CLAIM_FILE_PARTS];
    struct bytes bytes[CLAIM_FILE_PARTS];
    struct claim claim;
    struct bytes proof;
};
void claim_file_close(struct claim_file *file);

/* Fills the rest from `json`. `chain`, when not NULL, goes before what the file says. INVALID_PARAMS, also
 * for a member that no claim has. */
MUST_CHECK enum status claim_file_read(struct claim_file *file, const char *chain, struct error *error);

#endif
