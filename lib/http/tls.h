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

// PEM files, each of which may be left out.
struct ClientFiles {
  std::string authorities = {};  // Empty: the system's.
  std::string certificate = {};  // The client's own, with the chain after it, and its key.
  std::string key = {};
};

// For clients that check the certificates of servers. The files are read now. Fails with
// kInvalidArgument if one cannot be used, or if only one of certificate and key is given.
Result<SslContextPtr> MakeClientContext(const ClientFiles& files);

// For clients that know the certificate of their server and check it themselves.
Result<SslContextPtr> MakePinningContext();

// The certificate must be for `host`, a name or an address; a server of many names is told which is
// meant. Returns false if OpenSSL has no memory.
bool ExpectHost(SSL* ssl, const std::string& host);

// SHA-256 of the other side's certificate in lower-case hexadecimal; empty if it has shown none.
std::string PeerFingerprint(SSL* ssl);

// A TLS session on a connected socket, which stays the caller's. OpenSSL's own socket transport
// raises SIGPIPE when the other side has gone; this one does not.
// It is the side that the context was made for.
SslPtr MakeSsl(SSL_CTX* context, int fd);

}  // namespace livy::internal
