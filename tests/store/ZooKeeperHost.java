import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.zookeeper.server.DataNode;
import org.apache.zookeeper.server.DataTree;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * A server of ZooKeeper for the tests: ZooKeeperHost FOLDER PORT. Prints "listening PORT", and then
 * one line for each of standard input: "expire" ends all sessions, "get PATH" shows a node's data,
 * "remove PATH" removes it with all below it.
 */
public class ZooKeeperHost {
  public static void main(String[] args) throws Exception {
    File folder = new File(args[0]);
    // Sessions may be as short as two ticks.
    ZooKeeperServer server = new ZooKeeperServer(folder, folder, 250);
    ServerCnxnFactory factory =
        ServerCnxnFactory.createFactory(
            new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])), 100);
    factory.startup(server);
    System.out.println("listening " + factory.getLocalPort());
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      System.out.println(answer(server, line));
    }
    System.exit(0);  // The test has gone.
  }

  static void remove(DataTree tree, String path) throws Exception {
    for (String name : tree.getNode(path).getChildren().toArray(new String[0])) {
      remove(tree, path + "/" + name);
    }
    tree.deleteNode(path, tree.lastProcessedZxid);
  }

  static String answer(ZooKeeperServer server, String line) throws Exception {
    if (line.equals("expire")) {
      List<Long> sessions = new ArrayList<>(server.getZKDatabase().getSessionWithTimeOuts().keySet());
      for (Long session : sessions) {
        server.closeSession(session);
      }
      while (sessions.stream().anyMatch(server.getZKDatabase().getSessionWithTimeOuts()::containsKey)) {
        Thread.sleep(5);
      }
      return "expired";
    }
    if (line.startsWith("remove ")) {
      remove(server.getZKDatabase().getDataTree(), line.substring("remove ".length()));
      return "removed";
    }
    DataNode node = server.getZKDatabase().getNode(line.substring("get ".length()));
    if (node == null) return "none";
    byte[] data = node.getData();
    return "data " + new String(data == null ? new byte[0] : data, StandardCharsets.UTF_8);
  }
}
