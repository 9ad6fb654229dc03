"""The configuration of a small Hadoop, as its daemons and clients read it.

One folder serves all hosts: what differs between workers stands in environment
variables that Hadoop puts in when it reads the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from myhadoop.shared_classes import class_path

WORKER_HOST = "MYHADOOP_WORKER"  # host name or address under which a worker is known
WORKER_FOLDER = "MYHADOOP_FOLDER"  # where it keeps its blocks, containers and logs

#: Ports by property, the head's and the workers'. Hadoop's own defaults where it has any.
HEAD_PORTS = {
    "fs": 8020,
    "dfs.namenode.http-address": 9870,
    "yarn.resourcemanager.address": 8032,
    "yarn.resourcemanager.scheduler.address": 8030,
    "yarn.resourcemanager.resource-tracker.address": 8031,
    "yarn.resourcemanager.admin.address": 8033,
    "yarn.resourcemanager.webapp.address": 8088,
    "mapreduce.jobhistory.address": 10020,
    "mapreduce.jobhistory.admin.address": 10033,
    "mapreduce.jobhistory.webapp.address": 19888,
}
WORKER_PORTS = {
    "dfs.datanode.http.address": 9864,
    "yarn.nodemanager.address": 8041,
    "yarn.nodemanager.localizer.address": 8040,
    "yarn.nodemanager.webapp.address": 8042,
    "yarn.nodemanager.collector-service.address": 8048,
}

#: What Java 17 has closed and Hadoop needs; to start fast is worth more than to run fast.
JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
       "-Djava.net.preferIPv4Stack=true", "--add-opens=java.base/java.lang=ALL-UNNAMED")

_LOG4J = """\
hadoop.root.logger=INFO,console
log4j.rootLogger=${hadoop.root.logger}
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{yy/MM/dd HH:mm:ss} %p %c{2}: %m%n
# Plain jars have no native library, which costs a little speed and no more.
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
"""


@dataclass(frozen=True)
class Layout:
    """What the configuration of a small cluster depends on.

    Parameters
    ----------
    head : str
        Host name or address of the NameNode, ResourceManager and JobHistoryServer.
    jars : str
        Folder of Hadoop's jars, the same on every host.
    name_folder : str
        Where the NameNode keeps its image.
    logs : str
        Where the logs of containers go; each host may have its own.
    workers : int
    memory_mb, cores : int or str
        What a NodeManager may give away; or the variable of its environment, as ``${env.NAME}``.
    jvm : tuple of str
        Options of every JVM.
    data_address : str
        Where DataNodes listen for data, each on a port that it finds. The NameNode
        tells clients the address from which a DataNode called, whatever its name.
    head_ports, worker_ports : mapping of str to int
        By property; for workers 0 is a port that is free.
    """

    head: str
    jars: str
    name_folder: str
    logs: str
    workers: int
    memory_mb: int | str = 4096
    cores: int | str = 4
    jvm: tuple = JVM
    data_address: str = "0.0.0.0"
    head_ports: Mapping = field(default_factory=lambda: HEAD_PORTS)
    worker_ports: Mapping = field(default_factory=lambda: WORKER_PORTS)

    def url(self, name: str) -> str:
        """Return the URL of a page of the head by its property."""
        return f"http://{self.head}:{self.head_ports[name]}"


def properties(layout: Layout) -> dict[str, dict[str, object]]:
    """Return the properties by file, without its ending.

    Parameters
    ----------
    layout : Layout

    Returns
    -------
    dict of str to dict of str to object
    """
    head = {name: f"{layout.head}:{port}" for name, port in layout.head_ports.items()}
    worker = {name: f"${{env.{WORKER_HOST}}}:{port}"
              for name, port in layout.worker_ports.items()}
    folder = f"${{env.{WORKER_FOLDER}}}"
    every = {**head, **worker}

    def addresses(prefix):
        return {name: value for name, value in every.items() if name.startswith(prefix)}

    # The class path of all JVMs, before what YARN would have: it is what they share classes by.
    jvm = " ".join([*layout.jvm, "-cp", class_path(layout.jars, "$CLASSPATH")])
    return {
        "core-site": {
            "fs.defaultFS": f"hdfs://{head['fs']}",
            "hadoop.tmp.dir": f"{folder}/tmp",
        },
        "hdfs-site": {
            **addresses("dfs."),
            "dfs.replication": min(2, layout.workers),
            "dfs.namenode.name.dir": f"file://{layout.name_folder}",
            "dfs.datanode.data.dir": f"file://{folder}/blocks",
            "dfs.datanode.address": f"{layout.data_address}:0",
            "dfs.datanode.ipc.address": f"{layout.data_address}:0",
            "dfs.datanode.hostname": f"${{env.{WORKER_HOST}}}",
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            # A DataNode counts as dead after 12 s, not 10 minutes.
            "dfs.heartbeat.interval": 1,
            "dfs.namenode.heartbeat.recheck-interval": 1000,
            "dfs.namenode.safemode.extension": 0,
        },
        "yarn-site": {
            **addresses("yarn."),
            "yarn.resourcemanager.hostname": layout.head,
            "yarn.nodemanager.hostname": f"${{env.{WORKER_HOST}}}",
            # A NodeManager that is up first would sleep for 30 s.
            "yarn.resourcemanager.connect.retry-interval.ms": 500,
            "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": 250,
            "yarn.nm.liveness-monitor.expiry-interval-ms": 10000,
            "yarn.resourcemanager.nm.liveness-monitor.interval-ms": 2000,
            "yarn.nodemanager.aux-services": "mapreduce_shuffle",
            # Both would be in /tmp, whatever `hadoop.tmp.dir` says.
            "yarn.node-attribute.fs-store.root-dir": f"file://{folder}/node-attributes",
            "yarn.node-labels.fs-store.root-dir": f"file://{folder}/node-labels",
            "yarn.nodemanager.local-dirs": f"{folder}/containers",
            "yarn.nodemanager.log-dirs": layout.logs,
            "yarn.nodemanager.resource.memory-mb": layout.memory_mb,
            "yarn.nodemanager.resource.cpu-vcores": layout.cores,
            "yarn.scheduler.minimum-allocation-mb": 256,
            # Java reserves more than it uses.
            "yarn.nodemanager.vmem-check-enabled": "false",
            # A disk that others have filled by nine tenths is good enough.
            "yarn.nodemanager.disk-health-checker."
            "max-disk-utilization-per-disk-percentage": 99.5,
            "yarn.nodemanager.env-whitelist": "JAVA_HOME,PATH,LANG,TZ,HADOOP_CONF_DIR",
            "yarn.application.classpath": f"{layout.jars}/*",
        },
        "mapred-site": {
            **addresses("mapreduce.jobhistory."),
            "mapreduce.framework.name": "yarn",
            "mapreduce.application.classpath": f"{layout.jars}/*",
            "mapreduce.shuffle.port": 0,
            "yarn.app.mapreduce.am.staging-dir": "/user",
            "yarn.app.mapreduce.am.resource.mb": 512,
            "yarn.app.mapreduce.am.command-opts": f"-Xmx384m {jvm}",
            "mapred.child.java.opts": f"-Xmx256m {jvm}",
            "mapreduce.map.memory.mb": 1024,
            "mapreduce.reduce.memory.mb": 1024,
            "mapreduce.task.io.sort.mb": 50,
            "yarn.app.mapreduce.am.scheduler.heartbeat.interval-ms": 250,
            "yarn.app.mapreduce.client.completion.pollinterval": 500,
            "mapreduce.client.completion.pollinterval": 500,
            "mapreduce.client.progressmonitor.pollinterval": 500,
        },
        "capacity-scheduler": {
            "yarn.scheduler.capacity.root.queues": "default",
            "yarn.scheduler.capacity.root.default.capacity": 100,
            # A tenth of a small cluster holds no ApplicationMaster.
            "yarn.scheduler.capacity.maximum-am-resource-percent": 0.8,
        },
    }


def write(
    folder: str | Path, layout: Layout, settings: Mapping[str, Mapping[str, object]] | None = None
) -> None:
    """Write a configuration folder.

    Parameters
    ----------
    folder : path
        Made when it is not there.
    layout : Layout
    settings : dict of str to dict of str to object, optional
        Properties by file that are added, or stand above the others.
    """
    folder = Path(folder)
    # Daemons look for these on the class path, and plain jars do not have them.
    for name in ("webapps/hdfs", "webapps/datanode"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    files = properties(layout)
    for name, values in (settings or {}).items():
        files[name] = {**files[name], **values}
    for name, values in files.items():
        lines = (f"  <property><name>{name}</name><value>{escape(str(value))}</value></property>\n"
                 for name, value in values.items())
        text = f"<configuration>\n{''.join(lines)}</configuration>\n"
        (folder / f"{name}.xml").write_text(text, encoding="utf-8")
    (folder / "log4j.properties").write_text(_LOG4J, encoding="utf-8")
