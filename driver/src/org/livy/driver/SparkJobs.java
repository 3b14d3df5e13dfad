package org.livy.driver;

/** What the queue of statements needs of Spark. Safe to use from several threads. */
interface SparkJobs {
    boolean hasActive(String jobGroup);

    void cancel(String jobGroup);

    /** The completed part of the tasks known so far, 0 to 1. */
    double progress(String jobGroup);
}
