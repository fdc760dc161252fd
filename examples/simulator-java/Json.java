// As much of JSON as the example needs, for the JDK has none. In a program of yours: Jackson, Gson, or what your framework has.

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An object of JSON: its members are objects, or texts (numbers, true, false and null as they are written). Arrays are passed over. */
final class Json {
    private static final Pattern TOKEN = Pattern.compile("[{}\\[\\]:,]|\"(?:[^\"\\\\]++|\\\\.)*+\"|[^\\s{}\\[\\]:,\"]++");
    private static final Pattern ESCAPE = Pattern.compile("\\\\(u[0-9a-fA-F]{4}|.)");

    private final Map<String, Object> members = new LinkedHashMap<>();

    static Json parse(String text) {
        Matcher tokens = TOKEN.matcher(text);
        if (value(tokens, next(tokens)) instanceof Json json) return json;
        throw new IllegalArgumentException("not an object of JSON");
    }

    /** The text of a member, or of one further down; "" where there is none. */
    String text(String... path) {
        Json here = this;
        for (int place = 0; place < path.length - 1; place++) here = here.at(path[place]);
        return here.members.getOrDefault(path[path.length - 1], "") instanceof String text ? text : "";
    }

    Json at(String member) {
        return members.get(member) instanceof Json json ? json : new Json();
    }

    private static Object value(Matcher tokens, String token) {
        if (token.startsWith("\"")) return unescaped(token.substring(1, token.length() - 1));
        if (!token.equals("{") && !token.equals("[")) return token;
        Json read = new Json();
        for (String each = next(tokens); !each.equals("}") && !each.equals("]"); each = next(tokens)) {
            if (each.equals(",")) continue;
            Object first = value(tokens, each);
            if (token.equals("[")) continue;
            next(tokens); // the colon
            read.members.put((String) first, value(tokens, next(tokens)));
        }
        return read;
    }

    private static String next(Matcher tokens) {
        if (!tokens.find()) throw new IllegalArgumentException("the JSON ends too early");
        return tokens.group();
    }

    private static String unescaped(String text) {
        return ESCAPE.matcher(text).replaceAll(found -> Matcher.quoteReplacement(switch (found.group(1).charAt(0)) {
            case 'n' -> "\n";
            case 'r' -> "\r";
            case 't' -> "\t";
            case 'b' -> "\b";
            case 'f' -> "\f";
            case 'u' -> Character.toString(Integer.parseInt(found.group(1).substring(1), 16));
            default -> found.group(1);
        }));
    }
}
