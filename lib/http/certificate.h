// Certificates for the drivers' listener, hashes and random secrets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <livy/result.h>

namespace livy::internal {

struct Certificate {
  std::string certificate_pem = {};
  std::string key_pem = {};
  std::string fingerprint = {};  // SHA-256 of the certificate's DER form, lower-case hexadecimal.
};

// A self-signed P-256 certificate, valid for ten years: drivers pin its fingerprint and check
// nothing else.
Result<Certificate> MakeSelfSignedCertificate(std::string_view common_name);

// `bytes` random bytes as lower-case hexadecimal, from the system's generator.
std::string RandomHex(std::size_t bytes);

// Lower-case hexadecimal.
std::string Sha256Hex(std::string_view data);

// Compares in a time that does not depend on where the texts differ.
bool EqualSecrets(std::string_view a, std::string_view b);

}  // namespace livy::internal
