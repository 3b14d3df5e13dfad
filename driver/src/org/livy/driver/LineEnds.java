package org.livy.driver;

/** Line ends of submitted code. */
final class LineEnds {
    private LineEnds() {}

    /** Converts CRLF or CR to LF, whichever the first line end is, as Livy does. */
    static String toLineFeeds(String code) {
        int carriageReturn = code.indexOf('\r');
        int lineFeed = code.indexOf('\n');
        if (carriageReturn < 0 || lineFeed >= 0 && lineFeed < carriageReturn) {
            return code;
        }
        return code.replace(lineFeed == carriageReturn + 1 ? "\r\n" : "\r", "\n");
    }
}
