#include "http/certificate.h"

#include <doctest/doctest.h>

namespace livy::internal {
namespace {

TEST_CASE("every certificate is its own, with a fingerprint of 32 bytes") {
  const Result<Certificate> one = MakeSelfSignedCertificate("livy");
  const Result<Certificate> two = MakeSelfSignedCertificate("livy");
  REQUIRE(one);
  REQUIRE(two);
  CHECK(one->fingerprint.size() == 64);
  CHECK(one->fingerprint != two->fingerprint);
  CHECK(one->certificate_pem.starts_with("-----BEGIN CERTIFICATE-----"));
  CHECK(one->key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST_CASE("a certificate needs a name") {
  CHECK(MakeSelfSignedCertificate("").error().code == ErrorCode::kInvalidArgument);
  CHECK(MakeSelfSignedCertificate(std::string(65, 'a')).error().code ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("random texts are hexadecimal and differ") {
  CHECK(RandomHex(0).empty());
  CHECK(RandomHex(16).size() == 32);
  CHECK(RandomHex(16) != RandomHex(16));
  CHECK(RandomHex(64).find_first_not_of("0123456789abcdef") == std::string::npos);
}

TEST_CASE("hashes are those of SHA-256") {
  CHECK(Sha256Hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("secrets are equal if all bytes are") {
  CHECK(EqualSecrets("", ""));
  CHECK(EqualSecrets("abc", "abc"));
  CHECK_FALSE(EqualSecrets("abc", "abd"));
  CHECK_FALSE(EqualSecrets("abc", "abcd"));
}

}  // namespace
}  // namespace livy::internal
