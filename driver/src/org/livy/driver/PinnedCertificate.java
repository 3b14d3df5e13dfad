package org.livy.driver;

import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Trusts exactly one certificate, named by its SHA-256 fingerprint. The right fingerprint is the
 * right server, at whatever address and under whatever name it was reached.
 *
 * <p>It is an <i>extended</i> trust manager because the JDK wraps a plain one in another that
 * checks host names as soon as a client asks for it, and leaves an extended one to decide alone.
 */
final class PinnedCertificate extends X509ExtendedTrustManager {
    private final String fingerprint;

    private PinnedCertificate(String fingerprint) {
        this.fingerprint = fingerprint;
    }

    /** A client's TLS with this trust; {@code fingerprint} is lower case hexadecimal. */
    static SSLContext context(String fingerprint) throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new PinnedCertificate(fingerprint)}, null);
        return context;
    }

    private void check(X509Certificate[] chain) throws CertificateException {
        if (chain == null || chain.length == 0) {
            throw new CertificateException("The server sent no certificate");
        }
        byte[] digest;
        try {
            digest = MessageDigest.getInstance("SHA-256").digest(chain[0].getEncoded());
        } catch (CertificateException unreadable) {
            throw unreadable;
        } catch (GeneralSecurityException noSha256) {
            throw new CertificateException(noSha256);
        }
        StringBuilder shown = new StringBuilder();
        for (byte b : digest) {
            shown.append(String.format("%02x", b));
        }
        if (!MessageDigest.isEqual(shown.toString().getBytes(StandardCharsets.US_ASCII),
                    fingerprint.getBytes(StandardCharsets.US_ASCII))) {
            throw new CertificateException("The server's certificate is " + shown
                    + " and not the one this driver was told to trust");
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
            throws CertificateException {
        check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
            throws CertificateException {
        check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
            throws CertificateException {
        check(chain);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
            throws CertificateException {
        throw new CertificateException("This is not a server");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
            throws CertificateException {
        throw new CertificateException("This is not a server");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
            throws CertificateException {
        throw new CertificateException("This is not a server");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
    }
}
