package org.livy.driver;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * One HTTP/1.1 connection over TLS, used by one thread at a time. It has only what the driver
 * needs: a POST with a body, and a GET whose answer is read as it arrives. The JDK's own clients
 * are either not in Java 8 or several times slower.
 */
final class HttpConnection implements Closeable {
    private static final int CONNECT_MILLIS = 10_000;
    private static final int HEADER_LINE_MAX = 1 << 16;

    /** Below TLS. */
    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final String host;
    private final String secret;
    private Map<String, String> headers = new HashMap<>();

    /**
     * Connects to {@code address}, a host:port; a read fails after {@code readMillis} of silence.
     */
    HttpConnection(SSLContext tls, String address, String secret, int readMillis)
            throws IOException {
        int colon = address.lastIndexOf(':');
        String name = address.substring(0, Math.max(colon, 0));
        Socket plain = new Socket();
        SSLSocket secured;
        try {
            int port = Integer.parseInt(address.substring(colon + 1));
            plain.setTcpNoDelay(true);
            plain.connect(new InetSocketAddress(name, port), CONNECT_MILLIS);
            plain.setSoTimeout(readMillis);
            secured = (SSLSocket) tls.getSocketFactory().createSocket(plain, name, port, true);
            secured.startHandshake();
        } catch (IOException | RuntimeException failed) {
            plain.close();
            throw failed;
        }
        socket = plain;
        in = new BufferedInputStream(secured.getInputStream(), 1 << 14);
        out = secured.getOutputStream();
        host = address;
        this.secret = secret;
    }

    /**
     * Sends a body and returns the answer's. Throws {@link HttpStatusException} unless it is 200.
     */
    String post(String path, byte[] body) throws IOException {
        byte[] head = head("POST", path,
                "Content-Type: application/x-ndjson\r\nContent-Length: " + body.length + "\r\n");
        // One write, so that a small event is one TLS record.
        byte[] all = new byte[head.length + body.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(body, 0, all, head.length, body.length);
        out.write(all);
        out.flush();
        int status = readHead();
        String answer = text(body());
        if (status != 200) {
            throw new HttpStatusException(status, answer);
        }
        return answer;
    }

    /** Starts a GET and returns its body, to be read as it comes. */
    InputStream get(String path) throws IOException {
        out.write(head("GET", path, ""));
        out.flush();
        int status = readHead();
        if (status != 200) {
            throw new HttpStatusException(status, text(body()));
        }
        return body();
    }

    /** Whether another request may be sent. */
    boolean isReusable() {
        return !"close".equalsIgnoreCase(headers.get("connection"));
    }

    /** Does not say goodbye as TLS has it: that waits for the server to do so too. */
    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException nothingLeftToDo) {
            // The connection is given up either way.
        }
    }

    private byte[] head(String method, String path, String more) {
        return (method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer "
                + secret + "\r\n" + more + "\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    private int readHead() throws IOException {
        String line = readLine(in);
        String[] words = line.split(" ");
        int status;
        try {
            status = Integer.parseInt(words.length > 1 ? words[1] : "");
        } catch (NumberFormatException notHttp) {
            throw new IOException("The answer is not HTTP: " + line, notHttp);
        }
        headers = new HashMap<>();
        while (!(line = readLine(in)).isEmpty()) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.put(line.substring(0, colon).trim().toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).trim());
            }
        }
        return status;
    }

    /** A line without its end; the end of the stream is an error. */
    static String readLine(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        int c;
        while ((c = in.read()) != '\n') {
            if (c < 0) {
                throw new EOFException("The server closed the connection");
            }
            if (line.length() >= HEADER_LINE_MAX) {
                throw new IOException("A line of the answer is too long");
            }
            line.append((char) c);
        }
        int length = line.length();
        if (length > 0 && line.charAt(length - 1) == '\r') {
            line.setLength(length - 1);
        }
        return line.toString();
    }

    private InputStream body() {
        if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
            return HttpBody.chunked(in);
        }
        String length = headers.get("content-length");
        return HttpBody.ofLength(in, length == null ? 0 : Long.parseLong(length));
    }

    private static String text(InputStream body) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        int n;
        while ((n = body.read(buffer, 0, buffer.length)) > 0) {
            bytes.write(buffer, 0, n);
        }
        return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
    }
}
