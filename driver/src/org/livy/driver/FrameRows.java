package org.livy.driver;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The first rows of a DataFrame or Dataset for a magic, with their columns. */
final class FrameRows {
    private final Object schema;
    private final Object[] rows;
    private final int rowsMax;
    private final SqlValues values = SqlValues.chosen();

    private FrameRows(Object schema, Object[] rows, int rowsMax) {
        this.schema = schema;
        this.rows = rows;
        this.rowsMax = rowsMax;
    }

    /** Runs the query for one row more than {@code rowsMax}, which tells whether there are more. */
    static FrameRows first(Object dataset, int rowsMax) {
        Object frame = Reflect.call(dataset, "toDF");
        Object[] rows = (Object[]) Reflect.call(frame, "take", rowsMax + 1);
        return new FrameRows(Reflect.call(frame, "schema"), rows, rowsMax);
    }

    /** A list of objects. */
    Result json() {
        List<Object> objects = new ArrayList<>();
        for (Object row : shown()) {
            objects.add(values.struct(row));
        }
        return marked(Result.ok("application/json", objects));
    }

    /** A table whose columns are in the DataFrame's order. */
    Result table() {
        List<Object> headers = new ArrayList<>();
        for (Object field : (Object[]) Reflect.call(schema, "fields")) {
            String type = (String) Reflect.call(Reflect.call(field, "dataType"), "typeName");
            headers.add(Json.object(
                    "type", LivyTable.typeOf(type), "name", Reflect.call(field, "name")));
        }
        List<Object> data = new ArrayList<>();
        for (Object row : shown()) {
            data.add(values.row(row));
        }
        return marked(LivyTable.of(headers, data));
    }

    private List<Object> shown() {
        return Arrays.asList(rows).subList(0, Math.min(rows.length, rowsMax));
    }

    private Result marked(Result result) {
        return result.truncatedIf(rows.length > rowsMax);
    }
}
