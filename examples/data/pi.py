# Estimates pi with Spark: a batch of examples/batch.cc. Its argument is the number of tasks.
import random
import sys

from pyspark.sql import SparkSession

POINTS_OF_EACH = 100_000


def within(seed):
    """How many points of a square are within a circle."""
    numbers = random.Random(seed)
    return sum(numbers.random() ** 2 + numbers.random() ** 2 < 1 for _ in range(POINTS_OF_EACH))


tasks = int(sys.argv[1])
spark = SparkSession.builder.getOrCreate()
count = spark.sparkContext.range(tasks, numSlices=tasks).map(within).sum()
print(f"Pi is roughly {4 * count / (tasks * POINTS_OF_EACH)}")
spark.stop()
