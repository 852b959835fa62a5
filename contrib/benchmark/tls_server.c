/* A certificate of its own, and TLS with it: see tls_server.h. */
#include "tls_server.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "measure.h"

#define HOST "127.0.0.1"
#define VERSION_3 2 /* as X.509 counts */
#define HOUR_S 3600L

_Noreturn static void fail(const char *what)
{
    char reason[256];

    ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
    fatal("%s: %s", what, reason);
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1)
        fail("a certificate's extension cannot be made");
    X509_EXTENSION_free(extension);
}

static X509 *new_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -HOUR_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * HOUR_S);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)HOST, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    add_extension(certificate, NID_subject_alt_name, "IP:" HOST);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    if (X509_sign(certificate, key, EVP_sha256()) == 0)
        fail("a certificate cannot be signed");
    return certificate;
}

SSL_CTX *tls_server_new(const char *path)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(path, "we");
    X509 *certificate;

    if (context == NULL || key == NULL)
        fail("no TLS");
    certificate = new_certificate(key);
    if (file == NULL || PEM_write_X509(file, certificate) != 1 || fclose(file) != 0)
        fatal("%s cannot be written", path);
    if (SSL_CTX_use_certificate(context, certificate) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
        fail("the certificate cannot be used");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

/* What the library says in the words of a socket: ended, later, or broken. */
static ssize_t outcome(SSL *tls, int got)
{
    if (got > 0)
        return got;
    switch (SSL_get_error(tls, got)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: errno = EPROTO; return -1;
    }
}

ssize_t tls_server_read(SSL *tls, void *into, size_t size)
{
    ERR_clear_error();
    return outcome(tls, SSL_read(tls, into, size > INT_MAX ? INT_MAX : (int)size));
}

ssize_t tls_server_write(SSL *tls, const void *data, size_t size)
{
    ERR_clear_error();
    return outcome(tls, SSL_write(tls, data, size > INT_MAX ? INT_MAX : (int)size));
}
