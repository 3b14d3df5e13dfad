package org.livy.driver;

import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;

/** The server's end of the wire, for one session, with its faults. */
final class FakeServer implements Closeable {
    private static final char[] PASSWORD = "changeit".toCharArray();

    final String fingerprint;
    /** Paths of requests for commands, as they came. */
    final LinkedBlockingQueue<String> streams = new LinkedBlockingQueue<>();
    /** Events that were stored for the first time. */
    final LinkedBlockingQueue<Map<String, Object>> events = new LinkedBlockingQueue<>();
    private final SSLServerSocket listener;
    // Guarded by this.
    private final List<Socket> open = new ArrayList<>();
    private final List<String> commands = new ArrayList<>();
    private long stored;
    private int repeats;
    private int answersToLose;
    private int status = 200;

    FakeServer(String keystore) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(keystore)) {
            keys.load(in, PASSWORD);
        }
        byte[] certificate = keys.getCertificate(keys.aliases().nextElement()).getEncoded();
        StringBuilder shown = new StringBuilder();
        for (byte b : MessageDigest.getInstance("SHA-256").digest(certificate)) {
            shown.append(String.format("%02x", b));
        }
        fingerprint = shown.toString();
        KeyManagerFactory managers =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        listener = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(
                0, 50, InetAddress.getLoopbackAddress());
        Daemon.start("fake-server", this::accept);
    }

    String address() {
        return "127.0.0.1:" + listener.getLocalPort();
    }

    /** Commands to write at the beginning of every stream, after the hello. */
    synchronized void command(String line) {
        commands.add(line);
    }

    synchronized void answerWith(int newStatus) {
        status = newStatus;
    }

    synchronized void loseAnswers(int count) {
        answersToLose = count;
    }

    synchronized int repeats() {
        return repeats;
    }

    /** Breaks every connection. */
    synchronized void breakConnections() throws IOException {
        for (Socket socket : open) {
            socket.close();
        }
        open.clear();
    }

    Map<String, Object> event() throws InterruptedException {
        Map<String, Object> event = events.poll(20, TimeUnit.SECONDS);
        Cases.isTrue(event != null, "no event within 20 seconds");
        return event;
    }

    String stream() throws InterruptedException {
        String path = streams.poll(20, TimeUnit.SECONDS);
        Cases.isTrue(path != null, "no stream within 20 seconds");
        return path;
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listener.accept();
                synchronized (this) {
                    open.add(socket);
                }
                Daemon.start("fake-connection", () -> serve(socket));
            }
        } catch (IOException closed) {
            // The test has ended.
        }
    }

    private void serve(Socket socket) {
        try (Socket closing = socket) {
            InputStream in = closing.getInputStream();
            OutputStream out = closing.getOutputStream();
            while (serveOne(in, out)) {
                continue;
            }
        } catch (IOException broken) {
            // By the test or by the driver.
        }
    }

    private boolean serveOne(InputStream in, OutputStream out) throws IOException {
        String[] request = HttpConnection.readLine(in).split(" ");
        int length = 0;
        String line;
        while (!(line = HttpConnection.readLine(in)).isEmpty()) {
            if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                length = Integer.parseInt(line.substring(line.indexOf(':') + 1).trim());
            }
        }
        int now;
        synchronized (this) {
            now = status;
        }
        if (now != 200) {
            write(out, "HTTP/1.1 " + now + " No\r\nContent-Length: 0\r\n\r\n");
            return true;
        }
        return request[0].equals("GET") ? stream(request[1], in, out) : store(length, in, out);
    }

    private boolean stream(String path, InputStream in, OutputStream out) throws IOException {
        StringBuilder lines = new StringBuilder();
        synchronized (this) {
            lines.append("{\"op\":\"hello\",\"ack\":").append(stored).append("}\n");
            commands.forEach(command -> lines.append(command).append('\n'));
        }
        write(out,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + Integer.toHexString(lines.length()) + "\r\n" + lines + "\r\n");
        streams.add(path);
        return in.read() >= 0;
    }

    private boolean store(int length, InputStream in, OutputStream out) throws IOException {
        byte[] body = new byte[length];
        for (int at = 0; at < length;) {
            at += in.read(body, at, length - at);
        }
        long ack;
        synchronized (this) {
            for (String line : new String(body, StandardCharsets.UTF_8).split("\n")) {
                Map<String, Object> event = JsonReader.readObject(line);
                long number = ((Number) event.get("seq")).longValue();
                if (number > stored) {
                    stored = number;
                    events.add(event);
                } else {
                    repeats++;
                }
            }
            if (answersToLose > 0) {
                answersToLose--;
                return false;
            }
            ack = stored;
        }
        String answer = "{\"ack\":" + ack + "}";
        write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + answer.length() + "\r\n\r\n" + answer);
        return true;
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        breakConnections();
    }
}
