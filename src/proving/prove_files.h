/* Proving keys and witnesses: plain files in the folder `proving` of the data directory. A witness is a
 * secret: its file is the owner's alone, what was read of it is wiped, and no message tells of it. */
#ifndef PROVING_PROVE_FILES_H
#define PROVING_PROVE_FILES_H

#include "proof/groth16_prove.h"

/* Whether this is the name of a file in one folder, and no way out of it. */
bool proving_name_is_plain(const char *name);

/* A .zkey and a .wtns, both by their plain names. Errors: PROVING_FILE, a file is none, or may be read by
 * others, or is not what it should be; LIMIT, too many public inputs. */
MUST_CHECK enum status proving_files_read(const char *folder, const char *circuit, const char *witness_name,
                                          struct groth16_proving_key *key, struct groth16_witness *witness,
                                          struct error *error);

#endif
