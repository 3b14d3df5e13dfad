package org.livy.driver;

/** Runs the tests that need no Spark: {@code java org.livy.driver.AllTests KEYSTORE}. */
public final class AllTests {
    private AllTests() {}

    public static void main(String[] arguments) throws Exception {
        Cases cases = new Cases();
        JsonTest.addTo(cases);
        TextTest.addTo(cases);
        OutboxTest.addTo(cases);
        OutputTest.addTo(cases);
        StatementQueueTest.addTo(cases);
        ServerLinkTest.addTo(cases, arguments[0]);
        System.exit(cases.report() ? 0 : 1);
    }
}
