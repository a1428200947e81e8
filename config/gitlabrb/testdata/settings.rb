# Runs settings files with real Ruby, as a stand-in for GitLab's package: an
# object whose methods are the settings, with an error for unknown names, and
# string-keyed hashes that fill themselves when they are read.
#
# Input, one JSON array a line: [source]. Output, one JSON object a line:
# {"settings": …}, {"syntax": line} or {"error": class, "line": n}.
require 'json'
require 'yaml'
require 'socket'
require 'fileutils'

$VERBOSE = nil
$stdout.sync = false

class SettingsHash < Hash
  class << self
    attr_accessor :filling
  end

  def initialize(from = nil)
    super()
    from&.each_pair { |k, v| self[k] = v }
  end

  def self.key(k)
    k.is_a?(Symbol) ? k.to_s : k
  end

  def self.value(v)
    if v.instance_of?(SettingsHash) then v
    elsif v.instance_of?(Hash) then new(v)
    elsif v.is_a?(Array) then v.map { |e| value(e) }
    else v
    end
  end

  def [](k)
    k = SettingsHash.key(k)
    return super(k) if key?(k)
    return nil unless SettingsHash.filling

    self[k] = SettingsHash.new
    super(k)
  end

  alias plain_store []=
  def []=(k, v)
    plain_store(SettingsHash.key(k), SettingsHash.value(v))
  end
  alias store []=

  def update(*others)
    others.each { |o| o.each_pair { |k, v| self[k] = v } }
    self
  end
  alias merge! update

  def merge(*others)
    dup.update(*others)
  end

  def dup
    copy = SettingsHash.new
    each_pair { |k, v| copy.plain_store(k, v.is_a?(SettingsHash) || v.is_a?(Array) ? v.dup : v) }
    copy
  end

  def dig(k, *rest)
    super(SettingsHash.key(k), *rest)
  end

  def key?(k)
    super(SettingsHash.key(k))
  end
  alias include? key?
  alias has_key? key?
  alias member? key?

  def fetch(k, *rest, &block)
    super(SettingsHash.key(k), *rest, &block)
  end

  def delete(k)
    super(SettingsHash.key(k))
  end
end

class UnknownSetting < StandardError; end
class Forbidden < Exception; end

class Settings
  HASHES = %i[mattermost mattermost_nginx nginx gitlab_rails puma postgresql letsencrypt registry sidekiq].freeze
  VALUES = %i[external_url mattermost_external_url registry_external_url roles runtime_dir].freeze

  attr_reader :values_set

  alias __run__ instance_eval

  def initialize
    @values_set = {}
  end

  # Without local variables that the text could see.
  def __evaluate__
    __run__($source, 't.rb', 1)
  end

  def method_missing(name, *args)
    name = name.to_s.delete_suffix('=').to_sym
    unless HASHES.include?(name) || VALUES.include?(name)
      raise UnknownSetting, name.to_s
    end

    @values_set[name] = args.size == 1 ? args[0] : args unless args.empty?
    @values_set[name] = SettingsHash.new if HASHES.include?(name) && !@values_set.key?(name)
    @values_set[name]
  end

  def respond_to_missing?(*)
    false
  end

  def `(command)
    COMMANDS.fetch(command) { raise Forbidden, 'command' }
  end

  %i[system exec spawn fork exit exit! abort sleep gets open test trap at_exit syscall select require load
     require_relative autoload readline readlines rand srand binding caller send public_send class instance_eval
     define_singleton_method singleton_class method methods extend instance_variable_set instance_variable_get
     instance_variables object_id hash display tap then loop catch throw set_trace_func freeze dup clone to_s inspect
     is_a? kind_of? instance_of? nil? frozen?].each do |m|
    define_method(m) { |*| raise Forbidden, m.to_s }
  end

  def puts(*) = nil

  def print(*) = nil

  def p(*args) = args.size > 1 ? args : args[0]

  %i[pp printf putc warn].each { |m| define_method(m) { |*| raise Forbidden, m.to_s } }
end

COMMANDS = { 'hostname' => "gl01\n", 'hostname -f' => "gl01.example.com\n" }.freeze

def encode(v, depth = 0)
  raise Forbidden, 'deep' if depth > 60

  case v
  when nil, true, false then v
  when Integer then "i:#{v}"
  when Float then "f:#{v}"
  when Symbol then "y:#{v}"
  when String
    v.dup.force_encoding('UTF-8').valid_encoding? ? "s:#{v.dup.force_encoding('UTF-8')}" : "x:#{v.unpack1('H*')}"
  when Array then v.map { |e| encode(e, depth + 1) }
  when Hash
    { 'h' => v.map { |k, e| [k.is_a?(String) || k.is_a?(Symbol) ? k.to_s : "\0#{k.inspect}", encode(e, depth + 1)] } }
  else "o:#{v.class}"
  end
end

def run(source)
  settings = Settings.new
  SettingsHash.filling = true
  $source = source
  settings.__evaluate__
  { settings: encode(settings.values_set) }
rescue SyntaxError => e
  message = e.message.lines.reject { |l| l.include?('circular argument reference') }.join
  line = message[/\At\.rb:(\d+):/, 1]
  return { error: 'SyntaxError' } unless line # in a text that was evaluated

  { syntax: line.to_i, message: message.lines.first.to_s.scrub }
rescue Forbidden, NoMemoryError, SecurityError
  { error: 'Forbidden' }
rescue SystemStackError, StandardError, ScriptError => e
  line = e.backtrace&.find { |l| l.start_with?('t.rb:') }
  { error: e.class.name, line: line.to_s[/\At\.rb:(\d+)/, 1].to_i, message: e.message.lines.first.to_s.scrub[0, 200] }
end

# A broken program may loop for ever. One that rescues everything is ended with
# this process, and so is every program when the test is gone.
PROGRAM_SECONDS = 30
main = Thread.current
parent = Process.ppid
$running = nil
Thread.new do
  seen = nil
  rounds = 0
  loop do
    sleep 1
    Process.exit!(3) if Process.ppid != parent
    rounds = $running && $running.equal?(seen) ? rounds + 1 : 0
    main.raise(Forbidden, 'too slow') if rounds > 0
    if rounds > PROGRAM_SECONDS
      $stderr.write("a program does not end: #{seen}\n")
      Process.exit!(4)
    end
    seen = $running
  end
end

# The kernel ends what holds Ruby's lock, such as a regular expression, so that
# the thread above does not run.
def allow_seconds(seconds)
  used = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID).ceil
  Process.setrlimit(Process::RLIMIT_CPU, used + seconds, Process.getrlimit(Process::RLIMIT_CPU)[1])
end

while (line = $stdin.gets)
  source = JSON.parse(line)[0]
  $running = source
  allow_seconds(2 * PROGRAM_SECONDS)
  out = run(source)
  $running = nil
  $stdout.write(JSON.generate(out), "\n")
end
