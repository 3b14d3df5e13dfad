package org.livy.driver;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Completion of SQL: columns of the tables that the code names, tables and views of the current
 * database, functions, words. Asks the catalog and runs no query.
 */
final class SqlCompletion {
    private static final int CANDIDATES_MAX = 500;
    private static final int TABLES_ASKED_MAX = 5;
    private static final Pattern TAIL = Pattern.compile("(?:(\\w+)\\.)?(\\w*)$");
    private static final Pattern TABLE =
            Pattern.compile("(?i)\\b(?:from|join|into|update|table|describe)\\s+([\\w.]+)(?:\\s+(?:"
                            + "as\\s+)?(\\w+))?");
    private static final List<String> WORDS = Arrays.asList((
            "add all alter and anti any array as asc"
            + " between by cache case cast create cross database databases delete desc describe"
            + " distinct drop else end except exists explain false from full function functions"
            + " group having in inner insert intersect interval into is join lateral left like "
              + "limit"
            + " map merge not null on or order outer over overwrite partition refresh replace right"
            + " select semi set show struct table tables temporary then true truncate union update"
            + " use using values view views when where with")
                    .split(" "));

    private final String prefix;
    private final Set<String> names = new LinkedHashSet<>();

    private SqlCompletion(String prefix) {
        this.prefix = prefix;
    }

    static List<String> complete(String text) {
        Matcher tail = TAIL.matcher(text);
        tail.find();
        SqlCompletion completion = new SqlCompletion(tail.group(2));
        Map<String, String> tables = tables(text);
        if (tail.group(1) != null) {
            completion.addColumns(tables.getOrDefault(tail.group(1), tail.group(1)));
        } else {
            tables.values()
                    .stream()
                    .distinct()
                    .limit(TABLES_ASKED_MAX)
                    .forEach(completion::addColumns);
            completion.addCatalog();
        }
        return new ArrayList<>(completion.names);
    }

    /** The tables that the code names, by themselves and by their aliases. */
    private static Map<String, String> tables(String text) {
        Map<String, String> tables = new LinkedHashMap<>();
        Matcher table = TABLE.matcher(text);
        while (table.find()) {
            tables.put(table.group(1), table.group(1));
            if (table.group(2) != null
                    && !WORDS.contains(table.group(2).toLowerCase(Locale.ROOT))) {
                tables.put(table.group(2), table.group(1));
            }
        }
        return tables;
    }

    private void add(String name) {
        if (names.size() < CANDIDATES_MAX
                && name.regionMatches(true, 0, prefix, 0, prefix.length())) {
            names.add(name);
        }
    }

    private void addColumns(String table) {
        try {
            Object frame = Reflect.call(SparkAccess.session(), "table", table);
            for (String column : (String[]) Reflect.call(frame, "columns")) {
                add(column);
            }
        } catch (Exception unknownTable) {
            // What is being typed needs not be there.
            return;
        }
    }

    private void addCatalog() {
        Object state = Reflect.call(SparkAccess.session(), "sessionState");
        Object catalog = Reflect.call(state, "catalog");
        // The catalog sees to the pattern, so that not all names of a large database come here.
        Object tables = Reflect.call(
                catalog, "listTables", Reflect.call(catalog, "getCurrentDatabase"), prefix + "*");
        for (Object table : ScalaValues.items(tables)) {
            add((String) Reflect.call(table, "table"));
        }
        if (prefix.isEmpty()) {
            return;
        }
        Object registry = Reflect.call(state, "functionRegistry");
        TreeSet<String> functions = new TreeSet<>();
        for (Object function : ScalaValues.items(Reflect.call(registry, "listFunction"))) {
            functions.add((String) Reflect.call(function, "funcName"));
        }
        boolean upper = prefix.equals(prefix.toUpperCase(Locale.ROOT));
        WORDS.forEach(word -> add(upper ? word.toUpperCase(Locale.ROOT) : word));
        functions.forEach(this::add);
    }
}
