package org.livy.driver;

/** Lengths of texts in bytes of UTF-8, without making the bytes. */
final class Utf8 {
    private Utf8() {}

    static long length(String text) {
        long bytes = 0;
        for (int i = 0; i < text.length(); i++) {
            bytes += bytesAt(text, i);
        }
        return bytes;
    }

    /** The longest beginning of {@code text} that has at most this many bytes. */
    static String head(String text, int bytesMax) {
        if (text.length() <= bytesMax / 3) {
            return text;
        }
        long bytes = 0;
        for (int i = 0; i < text.length(); i++) {
            bytes += bytesAt(text, i);
            if (bytes > bytesMax) {
                boolean inPair =
                        i > 0 && Character.isSurrogatePair(text.charAt(i - 1), text.charAt(i));
                return text.substring(0, inPair ? i - 1 : i);
            }
        }
        return text;
    }

    /** A pair of surrogates counts two for each half; one alone, which JSON escapes, the same. */
    private static int bytesAt(String text, int i) {
        char c = text.charAt(i);
        return c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
    }
}
