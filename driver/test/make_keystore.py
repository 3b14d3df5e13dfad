#!/usr/bin/env python3
"""Makes a keystore with a new self-signed certificate, by the JDK's keytool."""
import os
import subprocess
import sys

keytool, output = sys.argv[1:]
if os.path.exists(output):
    os.remove(output)
subprocess.run(
    [keytool, "-genkeypair", "-alias", "test", "-keyalg", "EC", "-dname", "CN=anything",
     "-validity", "3650",
     "-storetype", "PKCS12", "-storepass", "changeit", "-keypass", "changeit", "-keystore", output],
    check=True, stderr=subprocess.DEVNULL)
