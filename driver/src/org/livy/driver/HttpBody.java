package org.livy.driver;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The body of an HTTP answer: a piece of known length, or chunks until an empty one. */
final class HttpBody extends InputStream {
    private final InputStream in;
    private final boolean chunked;
    private long left;
    private boolean started;
    private boolean ended;

    private HttpBody(InputStream in, boolean chunked, long left) {
        this.in = in;
        this.chunked = chunked;
        this.left = left;
    }

    static InputStream ofLength(InputStream in, long length) {
        return new HttpBody(in, false, length);
    }

    static InputStream chunked(InputStream in) {
        return new HttpBody(in, true, 0);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    /** Returns what has arrived, so a line is seen as soon as it is sent. */
    @Override
    public int read(byte[] to, int from, int length) throws IOException {
        if (left == 0 && !nextPiece()) {
            return -1;
        }
        int n = in.read(to, from, (int) Math.min(length, left));
        if (n < 0) {
            throw new EOFException("The server closed the connection");
        }
        left -= n;
        return n;
    }

    private boolean nextPiece() throws IOException {
        if (!chunked || ended) {
            return false;
        }
        if (started) {
            HttpConnection.readLine(in);
        }
        started = true;
        String size = HttpConnection.readLine(in);
        int extension = size.indexOf(';');
        try {
            left = Long.parseLong((extension < 0 ? size : size.substring(0, extension)).trim(), 16);
        } catch (NumberFormatException notChunked) {
            throw new IOException("The answer's chunks are out of step: " + size, notChunked);
        }
        if (left == 0) {
            ended = true;
            while (!HttpConnection.readLine(in).isEmpty()) {
                continue;
            }
        }
        return left > 0;
    }
}
