"""Real database servers for the tests: our own, in a temporary folder, gone when the tests end.

A server starts when a test first asks for a database on it, one in each test process. It listens on a free
port of 127.0.0.1 only, and writes nothing durably. When its programs are not on the machine, the test is
skipped and the reason says which package to install. The tests install nothing: `install.sh` does.
"""
