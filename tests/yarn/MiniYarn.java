import java.io.FileOutputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import org.apache.hadoop.yarn.conf.YarnConfiguration;
import org.apache.hadoop.yarn.server.MiniYARNCluster;

/**
 * YARN in one process: a resource manager and a node manager on free ports of the loopback interface.
 *
 * <p>Arguments: the folder that gets the configuration for clients, then settings as `key=value`. Says
 * READY when it takes applications, and ends when its standard input does.
 */
public class MiniYarn {
    public static void main(String[] arguments) throws Exception {
        YarnConfiguration conf = new YarnConfiguration();
        for (int i = 1; i < arguments.length; i++) {
            String[] setting = arguments[i].split("=", 2);
            conf.set(setting[0], setting[1]);
        }
        MiniYARNCluster cluster = new MiniYARNCluster("stormlake", 1, 1, 1);
        cluster.init(conf);
        cluster.start();
        for (String name : new String[] {"core-site.xml", "yarn-site.xml"}) {
            Path site = Path.of(arguments[0], name);
            try (OutputStream out = new FileOutputStream(site.toFile())) {
                cluster.getConfig().writeXml(out);
            }
        }
        System.out.println("READY");
        System.out.flush();
        while (System.in.read() >= 0) {}
        cluster.stop();
        System.exit(0);
    }
}
