package org.livy.driver;

/** The first rows of a DataFrame as a JSON array of arrays. */
final class SqlRows {
    final Json.Raw data;
    /** Whether there are more. */
    final boolean cut;

    private SqlRows(String data, boolean cut) {
        this.data = new Json.Raw(data);
        this.cut = cut;
    }

    /** Runs the query for one row more than {@code rowsMax}, which tells whether there are more. */
    static SqlRows first(Object frame, int rowsMax, int charsMax) {
        return write((Object[]) Reflect.call(frame, "take", rowsMax + 1), rowsMax, charsMax);
    }

    /** Stops before a row with which the text would have more than {@code charsMax} characters. */
    private static SqlRows write(Object[] rows, int rowsMax, int charsMax) {
        SqlValues values = SqlValues.chosen();
        StringBuilder text = new StringBuilder("[");
        int written = 0;
        while (written < Math.min(rows.length, rowsMax)) {
            String row = Json.write(values.row(rows[written]));
            if (text.length() + row.length() + 2 > charsMax) {
                break;
            }
            text.append(written == 0 ? "" : ",").append(row);
            // What has been written needs not be held twice.
            rows[written++] = null;
        }
        return new SqlRows(text.append(']').toString(), written < rows.length);
    }
}
