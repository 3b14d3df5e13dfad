package org.livy.driver;

import static org.livy.driver.Cases.equal;
import static org.livy.driver.Cases.isTrue;

import java.nio.charset.StandardCharsets;
import java.util.Collections;

final class OutboxTest {
    private OutboxTest() {}

    private static String take(Outbox outbox) throws InterruptedException {
        return new String(outbox.take(), StandardCharsets.UTF_8);
    }

    static void addTo(Cases cases) {
        cases.add("Events are numbered, kept until acknowledged and taken again on demand", () -> {
            Outbox outbox = new Outbox();
            outbox.add(Json.object("event", "a"), Json.object("event", "b"));
            String both = "{\"seq\":1,\"event\":\"a\"}\n{\"seq\":2,\"event\":\"b\"}\n";
            equal(both, take(outbox));
            equal(false, outbox.acknowledge(1));
            outbox.rewind();
            equal("{\"seq\":2,\"event\":\"b\"}\n", take(outbox));
            equal(true, outbox.acknowledge(2));
            equal(0, outbox.size());
            outbox.drain(60_000);
        });
        cases.add("A batch is at most 8 MiB unless one event is larger", () -> {
            Outbox outbox = new Outbox();
            for (int megabytes : new int[] {5, 5, 20, 1}) {
                String text = String.join("", Collections.nCopies(megabytes << 20, "x"));
                outbox.add(Json.object("event", text));
            }
            for (int megabytes : new int[] {5, 5, 20, 1}) {
                equal(megabytes, outbox.take().length >> 20);
            }
        });
        cases.add("Nothing comes after the last event", () -> {
            Outbox outbox = new Outbox();
            outbox.addLast(Json.object("event", "dead"));
            outbox.add(Json.object("event", "idle"));
            outbox.addDroppable(Json.object("event", "progress"));
            equal("{\"seq\":1,\"event\":\"dead\"}\n", take(outbox));
            outbox.acknowledge(1);
            equal(0, outbox.size());
        });
        cases.add("Droppable events are bounded, the others stay", () -> {
            Outbox outbox = new Outbox();
            outbox.add(Json.object("event", "kept"));
            for (int i = 0; i < Outbox.DROPPABLE_MAX + 10; i++) {
                outbox.addDroppable(Json.object("event", "progress"));
            }
            equal(Outbox.DROPPABLE_MAX + 1, outbox.size());
            isTrue(take(outbox).startsWith("{\"seq\":1,\"event\":\"kept\"}\n{\"seq\":12,"),
                    "the oldest were dropped");
        });
        cases.add("Droppable events are bounded in bytes too, and one may be told of it", () -> {
            Outbox outbox = new Outbox();
            String text = String.join("", Collections.nCopies(1 << 16, "x"));
            isTrue(outbox.hasRoom(), "nothing waits");
            for (int i = 0; i < 100; i++) {
                outbox.addDroppable(Json.object("event", text));
            }
            isTrue(!outbox.hasRoom(), "much waits");
            isTrue(outbox.take().length <= Outbox.DROPPABLE_BYTES_MAX, "the oldest were dropped");
            outbox.acknowledge(100);
            isTrue(outbox.hasRoom(), "nothing waits any more");
        });
    }
}
