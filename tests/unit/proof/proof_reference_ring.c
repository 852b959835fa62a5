/* The questions of proof_reference about rings. */
#include <stdio.h>
#include <string.h>

#include "../crypto/questions.h"
#include "proof/ring.h"
#include "proof_reference.h"

#define MEMBERS_MAX (RING_MEMBERS_MAX + 8) /* more than a ring may have, to be refused by the ring */

struct asked {
    struct transcript transcript;
    struct ring ring;
    struct ring_member members[MEMBERS_MAX];
    uint8_t pseudo[POINT_SIZE], secret[SCALAR_SIZE], difference[SCALAR_SIZE], randomness[32];
    bool sized; /* every point and scalar had its size: only such bytes can be handed over */
};

static void sized_word(char **rest, struct asked *asked, uint8_t *out, size_t size)
{
    struct bytes bytes = bytes_word(rest);

    if (bytes.size == size)
        memcpy(out, bytes.data, size);
    else
        asked->sized = false;
}

static void begin(char **rest, struct asked *asked)
{
    struct bytes label = bytes_word(rest);

    *asked = (struct asked){ .sized = true };
    transcript_start(&asked->transcript, arena_text(&words, (const char *)label.data, label.size));
    asked->ring = (struct ring){ .members = asked->members, .message = bytes_word(rest) };
}

static void members(char **rest, struct asked *asked, bool confidential)
{
    size_t count = 0;

    for (; more(rest); count++) {
        if (count == MEMBERS_MAX)
            fail("too many members");
        sized_word(rest, asked, asked->members[count].key, POINT_SIZE);
        if (confidential)
            sized_word(rest, asked, asked->members[count].commitment, POINT_SIZE);
    }
    asked->ring.count = count;
    asked->ring.pseudo = confidential ? asked->pseudo : NULL;
}

static void sign(char **rest, bool confidential)
{
    struct asked asked;
    uint8_t signature[RING_SIGNATURE_MAX];
    struct error error;

    begin(rest, &asked);
    struct ring_signer signer = { .secret = asked.secret, .randomness = asked.randomness };
    sized_word(rest, &asked, asked.randomness, sizeof asked.randomness);
    signer.index = number_word(rest);
    sized_word(rest, &asked, asked.secret, sizeof asked.secret);
    if (confidential) {
        sized_word(rest, &asked, asked.difference, sizeof asked.difference);
        sized_word(rest, &asked, asked.pseudo, sizeof asked.pseudo);
        signer.difference = asked.difference;
    }
    members(rest, &asked, confidential);
    if (asked.sized && ring_sign(&asked.transcript, &asked.ring, &signer, signature, &error) == OK)
        answer_bytes(signature, confidential ? RING_CONFIDENTIAL_SIZE(asked.ring.count)
                                             : RING_LINKABLE_SIZE(asked.ring.count));
    else
        refused();
}

static void verify(char **rest, bool confidential)
{
    struct asked asked;
    struct error error;

    begin(rest, &asked);
    struct bytes signature = bytes_word(rest);
    if (confidential)
        sized_word(rest, &asked, asked.pseudo, sizeof asked.pseudo);
    members(rest, &asked, confidential);
    answer_verdict(asked.sized && ring_verify(&asked.transcript, &asked.ring, signature, &error) == OK);
}

static void key_and_image(char **rest)
{
    struct bytes secret = bytes_word(rest);
    uint8_t key[POINT_SIZE], image[RING_IMAGE_SIZE];
    char hex[2 * POINT_SIZE + 1];

    if (secret.size != SCALAR_SIZE || !ring_key(secret.data, key)) {
        refused();
        return;
    }
    if (!ring_image(secret.data, image))
        fail("a secret has a key and no image");
    hex_text(hex, key, sizeof key);
    printf("%s ", hex);
    answer_bytes(image, sizeof image);
}

bool ring_question(const char *what, char **rest)
{
    if (strcmp(what, "ring_key") == 0)
        key_and_image(rest);
    else if (strcmp(what, "ring_sign") == 0)
        sign(rest, false);
    else if (strcmp(what, "ring_verify") == 0)
        verify(rest, false);
    else if (strcmp(what, "clsag_sign") == 0)
        sign(rest, true);
    else if (strcmp(what, "clsag_verify") == 0)
        verify(rest, true);
    else
        return false;
    return true;
}
