package org.livy.driver;

/** The jobs of a statement, by their group. */
final class SparkJobGroups implements SparkJobs {
    @Override
    public boolean hasActive(String jobGroup) {
        Object tracker = tracker();
        for (int job : jobs(tracker, jobGroup)) {
            Object info = ScalaValues.orNull(Reflect.call(tracker, "getJobInfo", job));
            if (info != null && Reflect.call(info, "status").toString().equals("RUNNING")) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void cancel(String jobGroup) {
        Reflect.call(SparkAccess.context(), "cancelJobGroup", jobGroup);
    }

    @Override
    public double progress(String jobGroup) {
        Object tracker = tracker();
        int tasks = 0;
        int completed = 0;
        for (int job : jobs(tracker, jobGroup)) {
            Object info = ScalaValues.orNull(Reflect.call(tracker, "getJobInfo", job));
            int[] stages = info == null ? new int[0] : (int[]) Reflect.call(info, "stageIds");
            for (int id : stages) {
                Object stage = ScalaValues.orNull(Reflect.call(tracker, "getStageInfo", id));
                if (stage != null) {
                    tasks += (Integer) Reflect.call(stage, "numTasks");
                    completed += (Integer) Reflect.call(stage, "numCompletedTasks");
                }
            }
        }
        return tasks == 0 ? 0 : (double) completed / tasks;
    }

    private static Object tracker() {
        return Reflect.call(SparkAccess.context(), "statusTracker");
    }

    private static int[] jobs(Object tracker, String jobGroup) {
        return (int[]) Reflect.call(tracker, "getJobIdsForGroup", jobGroup);
    }
}
