package org.livy.driver;

import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserPrincipal;

/**
 * The temporary files of this run of the driver, in a folder that only its user can read. A driver
 * that is killed cannot delete its own: the next one does. A lock, which ends with the process,
 * tells whose driver still runs.
 */
final class DriverFolder {
    private static final String PREFIX = "livy-driver-";
    private static final String LOCK = "lock";

    private final Path path;
    /** Held until the end of the process; null where files cannot be locked. */
    private final FileChannel lock;

    private DriverFolder(Path path, FileChannel lock) {
        this.path = path;
        this.lock = lock;
    }

    static DriverFolder create(Path parent) throws IOException {
        // Under another name until it is locked, so that no other driver takes it for left behind.
        Path folder = Files.createTempDirectory(parent, "livy-new-");
        FileChannel lock = lock(folder);
        if (lock == null) {
            return new DriverFolder(folder, null);
        }
        String name = folder.getFileName().toString().replace("livy-new-", PREFIX);
        try {
            Files.move(folder, parent.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException staysAsItIs) {
            return new DriverFolder(folder, lock);
        }
        return new DriverFolder(parent.resolve(name), lock);
    }

    /** A new folder in it; the name must not be taken. */
    Path folder(String name) throws IOException {
        return Files.createDirectory(path.resolve(name));
    }

    Path path() {
        return path;
    }

    /** Deletes folders beside this one whose drivers are gone. */
    void deleteLeftBehind() {
        try (DirectoryStream<Path> folders =
                        Files.newDirectoryStream(path.getParent(), PREFIX + "*")) {
            UserPrincipal user = Files.getOwner(path);
            for (Path folder : folders) {
                // In a folder of somebody else names could change their meaning meanwhile.
                if (!folder.equals(path) && isOwn(folder, user)) {
                    deleteIfLeft(folder);
                }
            }
        } catch (IOException | RuntimeException unreadable) {
            System.err.println("livy-driver: cannot clean up: " + unreadable);
        }
    }

    private static boolean isOwn(Path folder, UserPrincipal user) throws IOException {
        return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                && Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).equals(user)
                && Files.exists(folder.resolve(LOCK));
    }

    private static void deleteIfLeft(Path folder) throws IOException {
        FileChannel taken = lock(folder);
        if (taken != null) {
            delete(folder.toFile());
            taken.close();
        }
    }

    /** Returns null if it is another's, or cannot be locked. */
    private static FileChannel lock(Path folder) throws IOException {
        FileChannel channel = FileChannel.open(
                folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock held = null;
        try {
            held = channel.tryLock();
        } catch (IOException | OverlappingFileLockException notHere) {
            System.err.println("livy-driver: cannot lock " + folder + ": " + notHere);
        }
        if (held == null) {
            channel.close();
            return null;
        }
        return channel;
    }

    void delete() {
        delete(path.toFile());
        try {
            if (lock != null) {
                lock.close();
            }
        } catch (IOException nothingLeftToDo) {
            // It ends with the process.
        }
    }

    private static void delete(File file) {
        // What a user's link points to is not ours.
        File[] children = Files.isSymbolicLink(file.toPath()) ? null : file.listFiles();
        if (children != null) {
            for (File child : children) {
                delete(child);
            }
        }
        file.delete();
    }
}
