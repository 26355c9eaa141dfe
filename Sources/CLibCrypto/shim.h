#ifndef SALVAGE_CLIBCRYPTO_SHIM_H
#define SALVAGE_CLIBCRYPTO_SHIM_H

// SHA-512 by its own functions, which OpenSSL 3 keeps and advises against (SHA512.swift says why).
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#endif
