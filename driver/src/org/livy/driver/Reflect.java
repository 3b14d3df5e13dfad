package org.livy.driver;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Calls by name. Spark and Scala are reached in no other way, so one jar compiled against neither
 * runs on Scala 2.12 and 2.13 and on Spark 3 and 4. What a called method throws comes through as it
 * is, checked or not; a method that does not exist is an {@link IllegalStateException}.
 */
final class Reflect {
    private static final Map<List<Object>, Method> METHODS = new ConcurrentHashMap<>();

    private Reflect() {}

    /** The loader of the application, which knows Spark and the user's jars. */
    static ClassLoader loader() {
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        return context != null ? context : Reflect.class.getClassLoader();
    }

    static Class<?> type(String name) {
        try {
            return Class.forName(name, true, loader());
        } catch (ClassNotFoundException missing) {
            throw new IllegalStateException(
                    "The class " + name + " is not on the driver's class path", missing);
        }
    }

    static boolean exists(String name) {
        try {
            Class.forName(name, false, loader());
            return true;
        } catch (ClassNotFoundException | LinkageError missing) {
            return false;
        }
    }

    /** The instance of a Scala {@code object}. */
    static Object module(String name) {
        try {
            return type(name + "$").getField("MODULE$").get(null);
        } catch (ReflectiveOperationException missing) {
            throw new IllegalStateException("The object " + name + " does not exist", missing);
        }
    }

    static Object call(Object target, String name, Object... arguments) {
        return invoke(find(target.getClass(), name, arguments), target, arguments);
    }

    static Object callStatic(Class<?> type, String name, Object... arguments) {
        return invoke(find(type, name, arguments), null, arguments);
    }

    static Object create(Class<?> type, Object... arguments) {
        for (Constructor<?> constructor : type.getConstructors()) {
            if (fits(constructor.getParameterTypes(), arguments)) {
                try {
                    return constructor.newInstance(arguments);
                } catch (InvocationTargetException failed) {
                    throw Reflect.<RuntimeException>unchecked(failed.getCause());
                } catch (ReflectiveOperationException refused) {
                    throw new IllegalStateException(constructor.toString(), refused);
                }
            }
        }
        throw new IllegalStateException("No fitting constructor in " + type.getName());
    }

    private static Object invoke(Method method, Object target, Object[] arguments) {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException failed) {
            throw Reflect.<RuntimeException>unchecked(failed.getCause());
        } catch (IllegalAccessException refused) {
            throw new IllegalStateException(method.toString(), refused);
        }
    }

    private static Method find(Class<?> type, String name, Object[] arguments) {
        Object[] key = new Object[arguments.length + 2];
        key[0] = type;
        key[1] = name;
        for (int i = 0; i < arguments.length; i++) {
            key[i + 2] = arguments[i] == null ? Void.class : arguments[i].getClass();
        }
        return METHODS.computeIfAbsent(Arrays.asList(key), k -> search(type, name, arguments));
    }

    private static Method search(Class<?> type, String name, Object[] arguments) {
        Method best = null;
        for (Method method : type.getMethods()) {
            // A bridge exists beside a method whose result is of a narrower type.
            if (method.getName().equals(name) && fits(method.getParameterTypes(), arguments)
                    && (best == null || best.isBridge() && !method.isBridge())) {
                best = method;
            }
        }
        if (best == null) {
            throw new IllegalStateException("No fitting method " + name + " in " + type.getName());
        }
        try {
            // Scala's nested classes are often not public though their methods are.
            best.setAccessible(true);
        } catch (RuntimeException closedModule) {
            return best;
        }
        return best;
    }

    private static boolean fits(Class<?>[] parameters, Object[] arguments) {
        if (parameters.length != arguments.length) {
            return false;
        }
        for (int i = 0; i < parameters.length; i++) {
            boolean ok = arguments[i] == null ? !parameters[i].isPrimitive()
                                              : boxed(parameters[i]).isInstance(arguments[i]);
            if (!ok) {
                return false;
            }
        }
        return true;
    }

    private static Class<?> boxed(Class<?> type) {
        if (type == int.class) {
            return Integer.class;
        }
        return type == boolean.class ? Boolean.class : type;
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> T unchecked(Throwable failure) throws T {
        throw (T) failure;
    }
}
