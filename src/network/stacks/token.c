/* Our token on Stacks: a contract of the standard SIP-010. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "network/stacks/client.h"

#define DECIMALS_MAX 32

static bool is_label(const char *text)
{
    size_t size = strlen(text);

    if (size == 0 || size > STACKS_SYMBOL_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\')
            return false;
    }
    return true;
}

/* What holders of the token may do is the standard's; nobody mints later, and nobody moves what is
 * another's. */
bool stacks_token_contract(const char *symbol, const char *title, unsigned decimals,
                           struct clarity_uint supply,
                           const char *trait, struct buffer *code)
{
    char amount[CLARITY_UINT_TEXT];

    if (!is_label(symbol) || !is_label(title) || decimals > DECIMALS_MAX || (supply.high | supply.low) == 0)
        return false;
    clarity_uint_text(supply, amount);
    if (trait != NULL)
        buffer_append_format(code, "(impl-trait '%s)\n", trait);
    buffer_append_format(code,
        "(define-fungible-token " STACKS_TOKEN_NAME " u%s)\n"
        "(define-constant not-the-sender (err u4))\n"
        "(define-public (transfer (amount uint) (sender principal) (recipient principal)"
        " (memo (optional (buff 34))))\n"
        "  (begin\n"
        "    (asserts! (or (is-eq tx-sender sender) (is-eq contract-caller sender)) not-the-sender)\n"
        "    (try! (ft-transfer? " STACKS_TOKEN_NAME " amount sender recipient))\n"
        "    (match memo given (print given) 0x)\n"
        "    (ok true)))\n"
        "(define-read-only (get-name) (ok \"%s\"))\n"
        "(define-read-only (get-symbol) (ok \"%s\"))\n"
        "(define-read-only (get-decimals) (ok u%u))\n"
        "(define-read-only (get-balance (who principal)) (ok (ft-get-balance " STACKS_TOKEN_NAME " who)))\n"
        "(define-read-only (get-total-supply) (ok (ft-get-supply " STACKS_TOKEN_NAME ")))\n"
        "(define-read-only (get-token-uri) (ok none))\n"
        "(begin (try! (ft-mint? " STACKS_TOKEN_NAME " u%s tx-sender)))\n",
        amount, title, symbol, decimals, amount);
    return true;
}

/* The symbol in lower case, with "token-" before it where it does not begin with a letter. */
bool stacks_token_contract_name(const char *symbol, char name[STACKS_CONTRACT_NAME_MAX + 1])
{
    size_t size;

    snprintf(name, STACKS_CONTRACT_NAME_MAX + 1, "%s%s", isalpha((unsigned char)symbol[0]) ? "" : "token-",
             symbol);
    size = strlen(name);
    for (size_t i = 0; i < size; i++)
        name[i] = isalnum((unsigned char)name[i]) ? (char)tolower((unsigned char)name[i]) : '-';
    return strlen(symbol) > 0 && strlen(symbol) <= STACKS_SYMBOL_MAX && stacks_contract_name_valid(name,
                                                                                                   size);
}

bool stacks_asset_read(const char *text, struct stacks_principal *contract, char token[STACKS_NAME_MAX + 1])
{
    const char *mark = strstr(text, "::");
    char principal[STACKS_PRINCIPAL_TEXT];
    size_t size = mark == NULL ? 0 : (size_t)(mark - text);

    if (mark == NULL || size >= sizeof(principal) || strlen(mark + 2) > STACKS_NAME_MAX ||
        !stacks_clarity_name_valid(mark + 2, strlen(mark + 2)))
        return false;
    memcpy(principal, text, size);
    principal[size] = '\0';
    snprintf(token, STACKS_NAME_MAX + 1, "%s", mark + 2);
    return stacks_principal_read(principal, contract) && contract->contract[0] != '\0';
}
