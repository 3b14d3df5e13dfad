package org.livy.driver;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Map;

/**
 * The conversation with the R process, over a loopback socket with a one-time token. Base R has
 * neither JSON nor base64, so a message is a line of byte counts and then the bytes.
 */
final class RChannel implements Closeable {
    private static final int ACCEPT_MILLIS = 500;
    private static final int LINE_MAX = 4096;

    private final Socket socket;
    private final OutputStream out;
    private final DataInputStream in;
    private String pid = "";
    private RPrinted printed;

    /** What a statement came to. */
    static final class Answer {
        /** OK or ERR. */
        final String outcome;
        final String message;
        private final byte[] picture;

        Answer(String outcome, String message, byte[] picture) {
            this.outcome = outcome;
            this.message = message;
            this.picture = picture;
        }

        Map<String, Object> data(String text) {
            Map<String, Object> data = Json.object("text/plain", trimmed(text));
            if (picture.length > 0) {
                data.put("image/png", Base64.getEncoder().encodeToString(picture));
            }
            return data;
        }

        /** Without colours, and one line end less on either side, as in Livy. */
        static String trimmed(String text) {
            String plain = text.replaceAll("\u001b\\[[0-9;]*m", "");
            return plain.replaceFirst("^\n", "").replaceFirst("\n$", "");
        }
    }

    /** Waits for the process to call. */
    static final class Listener implements Closeable {
        private final ServerSocket server;
        private final String token;

        Listener() throws IOException {
            server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
            server.setSoTimeout(ACCEPT_MILLIS);
            byte[] random = new byte[16];
            new SecureRandom().nextBytes(random);
            token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        }

        void describeTo(Map<String, String> environment) {
            environment.put("LIVY_R_PORT", String.valueOf(server.getLocalPort()));
            environment.put("LIVY_R_TOKEN", token);
        }

        /** The channel to a process that is ready; fails if the process ends before. */
        RChannel accept(ChildProcess child) throws IOException {
            RChannel channel = new RChannel(connection(child), token);
            channel.awaitReady(connection(child), token);
            return channel;
        }

        private Socket connection(ChildProcess child) throws IOException {
            while (true) {
                try {
                    return server.accept();
                } catch (SocketTimeoutException notYet) {
                    if (!child.process.isAlive()) {
                        throw new IOException(child.howItEnded(), notYet);
                    }
                }
            }
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    private RChannel(Socket socket, String token) throws IOException {
        this.socket = socket;
        socket.setTcpNoDelay(true);
        out = socket.getOutputStream();
        in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
        String[] hello = line().split(" ");
        if (!hello[0].equals(token) || hello.length != 2) {
            close();
            throw new IOException("wrong token");
        }
        pid = hello[1];
    }

    /** {@code forOutput}: the second connection, which R makes right after the first. */
    private void awaitReady(Socket forOutput, String token) throws IOException {
        printed = new RPrinted(forOutput);
        String ready = line(forOutput.getInputStream()).equals(token) ? line() : "wrong token";
        printed.start();
        if (!ready.equals("READY")) {
            close();
            throw new IOException(ready);
        }
    }

    String pid() {
        return pid;
    }

    /** Runs code and waits for its end and for what it prints. */
    Answer run(String jobGroup, String code, StatementOutput output) throws IOException {
        printed.begin(output);
        try {
            return ask("EXEC", jobGroup, code);
        } finally {
            printed.end();
        }
    }

    /** Runs code, or completes it, and waits for its end. */
    Answer ask(String what, String jobGroup, String code) throws IOException {
        byte[] text = code.getBytes(StandardCharsets.UTF_8);
        String head = what + " " + jobGroup + " " + text.length + "\n";
        out.write(head.getBytes(StandardCharsets.US_ASCII));
        out.write(text);
        out.flush();
        // OK or ERR, then the bytes of the message and the picture.
        String[] counts = line().split(" ");
        return new Answer(counts[0], text(counts[1]), bytes(counts[2]));
    }

    private String text(String count) throws IOException {
        return new String(bytes(count), StandardCharsets.UTF_8);
    }

    private byte[] bytes(String count) throws IOException {
        byte[] bytes = new byte[Integer.parseInt(count)];
        in.readFully(bytes);
        return bytes;
    }

    private String line() throws IOException {
        return line(in);
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        int c;
        while ((c = in.read()) != '\n') {
            if (c < 0 || line.length() >= LINE_MAX) {
                throw new EOFException("R closed the connection");
            }
            line.append((char) c);
        }
        return line.toString();
    }

    @Override
    public void close() {
        try {
            socket.close();
            if (printed != null) {
                printed.close();
            }
        } catch (IOException nothingLeftToDo) {
            // It is given up either way.
        }
    }
}
