package org.livy.driver;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The events the server has not acknowledged yet, numbered from 1. Safe to use from several
 * threads; one of them takes and acknowledges.
 *
 * <p>Events that matter are few, because statements are, and kept for as long as it takes.
 * Droppable ones are bounded in number and bytes: the oldest give way, and their numbers stay
 * unused.
 */
final class Outbox {
    static final int DROPPABLE_MAX = 2000;
    static final long DROPPABLE_BYTES_MAX = 4 << 20;
    static final int BATCH_BYTES_MAX = 8 << 20;

    private static final class Event {
        final long number;
        final byte[] line;
        final boolean droppable;

        Event(long number, byte[] line, boolean droppable) {
            this.number = number;
            this.line = line;
            this.droppable = droppable;
        }
    }

    private final ArrayDeque<Event> kept = new ArrayDeque<>();
    private long lastNumber;
    private long lastTaken;
    private int droppable;
    private long droppableBytes;
    private boolean ended;

    /** Adds events that travel together. */
    @SafeVarargs
    final synchronized void add(Map<String, Object>... events) {
        for (Map<String, Object> event : events) {
            append(event, false);
        }
        notifyAll();
    }

    /** Adds the event after which there are none: what is added later is dropped. */
    synchronized void addLast(Map<String, Object> event) {
        add(event);
        ended = true;
    }

    /** Adds an event the server can do without. */
    synchronized void addDroppable(Map<String, Object> event) {
        append(event, true);
        while (droppable > DROPPABLE_MAX || droppable > 1 && droppableBytes > DROPPABLE_BYTES_MAX) {
            dropOldest();
        }
        notifyAll();
    }

    /** Whether an event that can be told later should be told now: the server is not behind. */
    synchronized boolean hasRoom() {
        return droppableBytes < DROPPABLE_BYTES_MAX / 4;
    }

    /** Waits until there is something to send and returns up to {@link #BATCH_BYTES_MAX} of it. */
    synchronized byte[] take() throws InterruptedException {
        while (kept.isEmpty() || kept.peekLast().number <= lastTaken) {
            wait();
        }
        ByteArrayOutputStream batch = new ByteArrayOutputStream();
        for (Event event : kept) {
            if (event.number <= lastTaken) {
                continue;
            }
            if (batch.size() > 0 && batch.size() + event.line.length > BATCH_BYTES_MAX) {
                break;
            }
            batch.write(event.line, 0, event.line.length);
            lastTaken = event.number;
        }
        return batch.toByteArray();
    }

    /** The server has stored events up to this number. Returns whether that is all it was sent. */
    synchronized boolean acknowledge(long number) {
        while (!kept.isEmpty() && kept.peekFirst().number <= number) {
            forget(kept.pollFirst());
        }
        notifyAll();
        return kept.isEmpty() || kept.peekFirst().number > lastTaken;
    }

    /** What was taken and not acknowledged is to be taken again. */
    synchronized void rewind() {
        if (!kept.isEmpty()) {
            lastTaken = Math.min(lastTaken, kept.peekFirst().number - 1);
        }
        notifyAll();
    }

    /** Waits until everything is acknowledged, or the time is over. */
    synchronized void drain(long millis) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        long left;
        while (!kept.isEmpty() && (left = end - System.nanoTime()) > 0) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    synchronized int size() {
        return kept.size();
    }

    private void append(Map<String, Object> event, boolean canDrop) {
        if (ended) {
            return;
        }
        lastNumber++;
        // First, because the server wants the long output last.
        String line = "{\"seq\":" + lastNumber + "," + Json.write(event).substring(1) + "\n";
        Event added = new Event(lastNumber, line.getBytes(StandardCharsets.UTF_8), canDrop);
        kept.add(added);
        if (canDrop) {
            droppable++;
            droppableBytes += added.line.length;
        }
    }

    private void forget(Event event) {
        if (event.droppable) {
            droppable--;
            droppableBytes -= event.line.length;
        }
    }

    private void dropOldest() {
        for (Iterator<Event> it = kept.iterator(); it.hasNext();) {
            Event event = it.next();
            if (event.droppable) {
                it.remove();
                forget(event);
                return;
            }
        }
    }
}
