// TLS by OpenSSL on sockets of our own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include <livy/result.h>

namespace livy::internal {

using SslContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;

// For a server with this certificate (and the chain after it) and key, TLS 1.2 or newer. Fails with
// kInvalidArgument if they cannot be read or do not belong together.
Result<SslContextPtr> MakeServerContext(const std::string& certificate_pem,
                                        const std::string& key_pem);

// A TLS session on a connected socket, which stays the caller's. OpenSSL's own socket transport
// raises SIGPIPE when the other side has gone; this one does not.
SslPtr MakeSsl(SSL_CTX* context, int fd);

}  // namespace livy::internal
