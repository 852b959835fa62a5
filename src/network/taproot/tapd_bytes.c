/* tapd: bytes in its JSON. Its own REST listener writes and takes them in hex (taprpc's RESTJsonMarshalOpts
 * have UseHexForBytes), another gateway before it in base64, as protobuf's JSON has it. What is read tells
 * which it is; before bytes are written the server is asked, once a connection. */
#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/reply.h"
#include "network/taproot/tapd.h"

/* Base64 of one byte, and no hex. */
#define NO_HEX "/w=="
/* What protojson says of bytes in a form that it does not take: decode.go in its encoding/protojson. */
#define NOT_TAKEN "for bytes"

enum tapd_form { FORM_UNKNOWN, FORM_HEX, FORM_BASE64 };

/* --- reading ---------------------------------------------------------------------------------- */
bool tapd_fixed(const json_t *object, const char *name, void *out, size_t size)
{
    return reply_hex(object, name, out, size) || reply_base64(object, name, out, size);
}

/* Servers write lower case alone. What is read here in base64 never looks so: files begin with "VEFQ",
 * transactions with a byte 0 after the first, that is with capital letters, objects with "e" and a letter
 * behind "f". */
static bool is_hex(const char *text, size_t length)
{
    return length % 2 == 0 && strspn(text, "0123456789abcdef") == length;
}

bool tapd_bytes(const json_t *object, const char *name, size_t most, struct arena *arena, struct bytes *bytes)
{
    const char *text, *end;
    size_t length, filled;
    uint8_t *data;

    if (!reply_text(object, name, &text))
        return false;
    length = strlen(text);
    if (length / 2 > most)
        return false;
    data = arena_new(arena, length + 1);
    if (is_hex(text, length)) {
        *bytes = bytes_of(data, length / 2);
        return hex_decode(data, length / 2, text, length);
    }
    if (sodium_base642bin(data, length + 1, text, length, NULL, &filled, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != text + length || filled > most)
        return false;
    *bytes = bytes_of(data, filled);
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */
void tapd_forget_form(struct tapd *tapd)
{
    atomic_store(&tapd->form, FORM_UNKNOWN);
}

/* One byte is no proof, so every server refuses it; the one that takes hex does so for its form. */
static enum status learn_form(struct tapd *tapd, struct network_call *call)
{
    json_t *answer AUTO_JSON = NULL;
    struct rest_refusal refusal = { 0 };
    enum status status = tapd_post(tapd, call, TAPD_PATH "/proofs/decode",
                                   json_pack("{s:s}", "raw_proof", NO_HEX), false, &answer, &refusal);
    bool takes_hex;

    if (status == OK)
        return tapd_protocol_error(tapd, call, "proofs/decode", "refusal");
    if (status != ERROR_NETWORK_REJECTED)
        return status;
    if (refusal.code == REST_NOT_FOUND || refusal.code == REST_UNIMPLEMENTED)
        return status;
    takes_hex = refusal.code == REST_INVALID_ARGUMENT && strstr(refusal.message, NOT_TAKEN) != NULL;
    atomic_store(&tapd->form, takes_hex ? FORM_HEX : FORM_BASE64);
    return OK;
}

enum status tapd_write_bytes(struct tapd *tapd, struct network_call *call, const void *data, size_t size,
                             const char **text)
{
    if (atomic_load(&tapd->form) == FORM_UNKNOWN)
        TRY(learn_form(tapd, call));
    *text = atomic_load(&tapd->form) == FORM_HEX ? hex_in(call->arena, data, size)
                                                 : base64_text(call->arena, data, size);
    return OK;
}
