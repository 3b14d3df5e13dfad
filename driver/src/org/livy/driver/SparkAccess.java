package org.livy.driver;

import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The one SparkContext and SparkSession that all interpreters share. Public because statements and
 * the Python and R processes call it by name. Safe to use from several threads.
 */
public final class SparkAccess {
    private static final long START_SECONDS_MAX = 10;
    private static final CountDownLatch READY = new CountDownLatch(1);
    private static volatile Object context;
    private static volatile Object session;
    private static volatile Throwable failure;

    private SparkAccess() {}

    /** Starts Spark from the driver's spark.* system properties and the given ones. */
    static void start(Map<String, String> more) {
        try {
            Object conf = Reflect.create(Reflect.type("org.apache.spark.SparkConf"));
            more.forEach((name, value) -> Reflect.call(conf, "set", name, value));
            Reflect.call(conf, "remove", Settings.SECRET_KEY);
            context = Reflect.callStatic(
                    Reflect.type("org.apache.spark.SparkContext"), "getOrCreate", conf);
            Object builder = Reflect.callStatic(
                    Reflect.type("org.apache.spark.sql.SparkSession"), "builder");
            String catalog = "spark.sql.catalogImplementation";
            if (Reflect.call(conf, "get", catalog, "in-memory").equals("hive")) {
                if (Reflect.exists("org.apache.hadoop.hive.conf.HiveConf")
                        && Reflect.exists("org.apache.spark.sql.hive.HiveSessionStateBuilder")) {
                    Reflect.call(builder, "enableHiveSupport");
                } else {
                    Reflect.call(builder, "config", catalog, "in-memory");
                }
            }
            session = Reflect.call(builder, "getOrCreate");
        } catch (Throwable notStarted) {
            failure = notStarted;
            throw notStarted;
        } finally {
            READY.countDown();
        }
    }

    /** The SparkSession; waits until it exists. */
    public static Object session() {
        awaitStart();
        return session;
    }

    /** The SparkContext; waits until it exists. */
    public static Object context() {
        awaitStart();
        return context;
    }

    /** The JavaSparkContext, for Python and R. */
    public static Object javaContext() {
        return Reflect.create(
                Reflect.type("org.apache.spark.api.java.JavaSparkContext"), context());
    }

    /** Calls {@code stopped} soon after somebody has stopped Spark. It must return at once. */
    static void whenStopped(Runnable stopped) {
        Class<?> type = Reflect.type("org.apache.spark.scheduler.SparkListenerInterface");
        Object listener = Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    switch (method.getName()) {
                        case "onApplicationEnd":
                            stopped.run();
                            return null;
                        case "equals":
                            return self == arguments[0];
                        case "hashCode":
                            return System.identityHashCode(self);
                        case "toString":
                            return "livy-driver";
                        default:
                            return null;
                    }
                });
        Reflect.call(context(), "addSparkListener", listener);
    }

    private static void awaitStart() {
        // No wait once it is up: an interrupted thread must still be able to get at it.
        if (READY.getCount() > 0) {
            try {
                READY.await();
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("Interrupted while Spark starts", stopped);
            }
        }
        if (failure != null) {
            throw new IllegalStateException("Spark did not start: " + failure, failure);
        }
    }

    /** A setting of the running SparkContext. */
    static String setting(String key, String otherwise) {
        return (String) Reflect.call(Reflect.call(context(), "getConf"), "get", key, otherwise);
    }

    /** Jobs that the calling thread starts belong to this group until {@link #clearJobGroup}. */
    static void setJobGroup(String group) {
        // True: cancelling interrupts the threads of the group's tasks.
        Reflect.call(context(), "setJobGroup", group, "Job group for statement " + group, true);
    }

    static void clearJobGroup() {
        Reflect.call(context(), "clearJobGroup");
    }

    /**
     * Stops Spark. A start that is under way gets some seconds to end, so that it is not stopped
     * half made; if it takes longer its end is left to Spark's own shutdown hook.
     */
    static void stop() throws InterruptedException {
        if (READY.await(START_SECONDS_MAX, TimeUnit.SECONDS) && context != null) {
            Reflect.call(context, "stop");
        }
    }
}
