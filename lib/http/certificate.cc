#include "http/certificate.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

namespace livy::internal {
namespace {

constexpr long kTenYearsSeconds = 10L * 365 * 24 * 3600;
// A clock that is a little behind must not see a certificate of the future.
constexpr long kClockSkewSeconds = 24L * 3600;

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string Hex(const unsigned char* bytes, std::size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

bool Fill(X509* certificate, EVP_PKEY* key, const std::string& name) {
  // A random serial, so that browsers and proxies do not confuse two servers' certificates.
  std::array<unsigned char, 8> serial = {};
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return false;
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr), BN_free);
  if (!number || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return false;
  }
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kClockSkewSeconds) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kTenYearsSeconds) != nullptr &&
         X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

Result<Certificate> MakeSelfSignedCertificate(std::string_view common_name) {
  constexpr std::size_t kNameBytesMax = 64;  // X.520's bound of a common name.
  if (common_name.empty() || common_name.size() > kNameBytesMax) {
    return Error{ErrorCode::kInvalidArgument,
                 "A certificate's common name must have 1 to 64 bytes."};
  }
  const Error failed = {ErrorCode::kInternal, "OpenSSL cannot make a certificate."};
  const KeyPtr key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const CertificatePtr certificate(X509_new(), X509_free);
  if (!key || !certificate || !Fill(certificate.get(), key.get(), std::string(common_name))) {
    return failed;
  }
  const BioPtr certificate_text(BIO_new(BIO_s_mem()), BIO_free);
  const BioPtr key_text(BIO_new(BIO_s_mem()), BIO_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
  unsigned int digest_size = 0;
  if (!certificate_text || !key_text ||
      PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      X509_digest(certificate.get(), EVP_sha256(), digest.data(), &digest_size) != 1) {
    return failed;
  }
  return Certificate{.certificate_pem = Contents(certificate_text.get()),
                     .key_pem = Contents(key_text.get()),
                     .fingerprint = Hex(digest.data(), digest_size)};
}

std::string RandomHex(std::size_t bytes) {
  std::vector<unsigned char> random(bytes);
  // A secret that can be guessed is worse than no program at all.
  if (bytes > 0 && RAND_bytes(random.data(), static_cast<int>(bytes)) != 1) std::abort();
  return Hex(random.data(), random.size());
}

std::string Sha256Hex(std::string_view data) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest = {};
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data());
  return Hex(digest.data(), digest.size());
}

bool EqualSecrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace livy::internal
